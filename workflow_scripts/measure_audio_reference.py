"""What the sound of a dataset tells of its mouths on held-out speakers, by a ridge regression, as JSON."""

from dheads_model.files import write_json
from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.metrics.audio_reference import SpokenClip, audio_reference
from dheads_model.metrics.signals import mouth_opening
from dheads_model.shards.index import Index, read_index
from dheads_model.shards.reader import read_shard
from workflow_scripts.command import parser, run

# Of a larger split every so manyth shard is taken: more clips tell the same.
MOST_CLIPS = 2000


def main(given) -> None:
    index = read_index(given.index)
    found = audio_reference(*(spoken_clips(index, split) for split in ("train", "val", "test")))
    write_json(given.output, {"dataset": index.dataset, "data": index.fingerprint, **found})
    r = found["r"]
    spread = "" if r["sd"] is None else f" ± {r['sd']:.3f}"
    print(f"r = {r['mean']:.3f}{spread}, n = {r['n']} test clips; best at lag {found['best_lag']}")


def spoken_clips(index: Index, split: str) -> list[SpokenClip]:
    """Features and mouth opening of a split's clips, or of evenly spaced shards of a large one."""
    every = -(-index.count(split) // MOST_CLIPS) or 1
    return [
        SpokenClip(
            clip.clip, clip.speaker, clip.features.reshape(len(clip.frames), FEATURE_COLUMNS_PER_FRAME, -1),
            mouth_opening(clip.landmarks),
        )
        for path in index.manifests(split)[::every]
        for clip in read_shard(path)
    ]  # fmt: skip


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--index", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.measure_audio_reference", arguments, main)
