"""Draw frames of the ground truth over those of a method, with loudness and mouth opening below."""

from dheads_model.stages.measured_strips import MeasuredVideos, measured_strips
from dheads_model.tables.strips import draw_strips
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    settings = arguments.settings
    truth = MeasuredVideos(arguments.reference, arguments.measured_reference)
    method = MeasuredVideos(arguments.videos, arguments.measured)
    strips = measured_strips(arguments.shard, truth, method, settings["clips"])
    draw_strips(strips, arguments.method, settings["every_n_frames"], settings["max_frames"], arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--shard", "--videos", "--reference", "--measured", "--measured-reference", "--method", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.draw_strips", parser, main)
