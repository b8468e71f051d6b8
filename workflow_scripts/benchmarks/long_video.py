"""Measure whether long videos keep the face, its sharpness and its place, by windows of ten seconds."""

import functools
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.files import write_json, write_text
from dheads_model.manifest import StoredFile, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.identity import Embed
from dheads_model.metrics.long_video import measure_window, windows_of
from dheads_model.shards.reader import read_shard
from dheads_model.shards.tar import read_tar
from dheads_model.tables.long_video import draw_long_video, to_markdown
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    made = json.loads(Path(arguments.videos).read_text(encoding="utf-8"))
    tar = verify_file(arguments.videos, StoredFile(**made["file"]))
    stills = {clip.clip: clip.frames[0] for path in arguments.shards for clip in read_shard(path)}
    missing = [clip for clip in made["clips"] if clip not in stills]
    if missing:
        raise UserError(
            f"{arguments.videos} has videos of test clips that there are no longer; delete it to make both again."
        )
    settings = arguments.settings
    videos: dict[str, dict] = {}
    with ProcessPoolExecutor(arguments.threads) as pool:
        for number, (_, data) in enumerate(read_tar(tar)):
            clip = made["clips"][number]
            tasks = [
                pool.submit(
                    measured, window, stills[clip], settings["backend"], arguments.weights_folder, settings["identity"]
                )
                for window in windows_of(decode_video(data))
            ]
            videos[clip] = {"windows": [task.result() for task in tasks]}
    result = {
        "command": f"snakemake --cores {arguments.threads} {arguments.output}",
        "sampled_on": made["device"],
        "machine": machine_facts(),
        "model": made["model"],
        "seconds": made["seconds"],
        "videos": videos,
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), to_markdown(result))
    draw_long_video(result, Path(arguments.output).with_suffix(".png"))


def measured(window: np.ndarray, still: np.ndarray, backend: str, weights_folder: str, identity: bool) -> dict:
    """`measure_window`, with dlib's embedding if identity is asked for; for a process of its own."""
    return measure_window(window, still, backend, weights_folder, _embedder() if identity else None)


@functools.cache
def _embedder() -> Embed:
    from dheads_model.metrics.networks.dlib_embedding import open_dlib_embedding

    return open_dlib_embedding()


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--shards", nargs="+", required=True)
    for name in ("--videos", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.benchmarks.long_video", parser, main)
