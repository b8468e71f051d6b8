"""How well audio predicts the mouth opening on held-out speakers of a dataset, by a ridge regression, as JSON."""

from dheads_model.files import write_json
from dheads_model.metrics.audio_reference import audio_reference
from dheads_model.shards.index import read_index
from dheads_model.stages.spoken_clips import spoken_clips
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    index = read_index(arguments.index)
    found = audio_reference(*(spoken_clips(index, split) for split in ("train", "val", "test")))
    write_json(arguments.output, {"dataset": index.dataset, "data": index.fingerprint, **found})
    r = found["r"]
    spread = "" if r["sd"] is None else f" ± {r['sd']:.3f}"
    print(f"r = {r['mean']:.3f}{spread}, n = {r['n']} test clips; best at lag {found['best_lag']}")


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--index", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_audio_reference", parser, main)
