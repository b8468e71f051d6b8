"""Draw frames of the ground truth over those of a method, with loudness and mouth opening below."""

from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.faces.tables import read_clips
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.shards.reader import read_shard
from dheads_model.tables.strips import Strip, draw_strips
from workflow_scripts.command import parser, run


def main(given) -> None:
    settings = given.settings
    ours, truth = _videos(given.videos), _videos(given.reference)
    our_points, true_points = _landmarks(given.measured), _landmarks(given.measured_reference)
    strips = []
    for clip in read_shard(given.shard):
        if len(strips) == settings["clips"]:
            break
        if clip.clip not in our_points or clip.clip not in true_points:
            continue
        frames, reference = decode_video(ours[clip.clip]()), decode_video(truth[clip.clip]())
        found = true_points[clip.clip]["landmarks"], our_points[clip.clip]["landmarks"]
        title = f"{clip.clip}: {clip.transcript}" if clip.transcript else clip.clip
        strips.append(Strip(title, reference, frames, *found, clip.audio))
    if not strips:
        raise UserError(f"{given.measured} lists no measured video; look at its clips for the reasons.")
    draw_strips(strips, given.method, settings["every_n_frames"], settings["max_frames"], given.output)


def _videos(manifest_path: str) -> dict:
    """{clip: function that checks the video's hash and gives its path}."""
    manifest = read_manifest(manifest_path)
    return {Path(f.name).stem: (lambda f=f: verify_file(manifest_path, f)) for f in manifest.files}


def _landmarks(manifest_path: str) -> dict[str, dict]:
    """{clip: columns} of the landmarks that were found in a method's videos."""
    return read_clips(verify_file(manifest_path, read_manifest(manifest_path).files[1]))


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--shard", "--videos", "--reference", "--measured", "--measured-reference", "--method", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.draw_strips", arguments, main)
