"""Draw the same clip of all methods in strips, and the mean optical-flow magnitude of each method."""

from pathlib import Path

from dheads_model.stages.flow_maps import mean_flow_map, same_clip_of_all
from dheads_model.tables.figures import draw_flow_maps, draw_methods
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    videos: dict[str, list[str]] = {}
    for path in arguments.videos:
        videos.setdefault(Path(path).parent.parent.name, []).append(path)
    clip, frames = same_clip_of_all(videos)
    settings = arguments.settings
    draw_methods(clip, frames, settings["every_n_frames"], settings["max_frames"], arguments.output_methods)
    draw_flow_maps({method: mean_flow_map(paths) for method, paths in videos.items()}, arguments.output_flow)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--videos", nargs="+", required=True, help="manifests of the videos of all methods")
    for name in ("--output-methods", "--output-flow"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.draw_figures", parser, main)
