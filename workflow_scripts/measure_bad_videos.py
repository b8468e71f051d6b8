"""What every metric says of videos that are bad on purpose, made of the ground truth of test shards, as csv and Markdown."""

from dheads_model.files import write_text
from dheads_model.metrics.registry import requested_metrics
from dheads_model.stages.bad_videos import measure_bad_videos, some_clips, to_markdown
from dheads_model.stages.phones import read_phones
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    settings = arguments.settings
    phones = {clip: spoken for path in arguments.phones for clip, spoken in read_phones(path).items()}
    values = measure_bad_videos(
        some_clips(arguments.shards, phones), requested_metrics(settings), backend=settings["backend"],
        precision=settings["precision"], weights_folder=arguments.weights_folder,
    )  # fmt: skip
    write_text(arguments.output_markdown, to_markdown(values))
    write_text(arguments.output_csv, values.to_csv(index=False))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--shards", nargs="+", required=True, help="manifests of packed test shards")
    parser.add_argument("--phones", nargs="*", default=[], help="manifests of their phone times")
    for name in ("--output-csv", "--output-markdown"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_bad_videos", parser, main)
