"""Measure the cost of fewer steps: mouth, liveliness, sharpness and drift of each step count beside 100 steps."""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.files import write_json, write_text
from dheads_model.manifest import StoredFile, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.liveliness import clips_row, long_row, lost, measure_video
from dheads_model.shards.tar import read_tar
from dheads_model.tables.steps import to_markdown
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.benchmarks.sample_steps import MOST, chosen_clips, long_speech
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    made = json.loads(Path(arguments.videos).read_text(encoding="utf-8"))
    tar = verify_file(arguments.videos, StoredFile(**made["file"]))
    clips = chosen_clips(arguments.shards, len(made["clips"]))
    if [clip.clip for clip in clips] != made["clips"]:
        raise UserError(
            f"{arguments.videos} has videos of other test clips than there are now; delete it to make both again."
        )
    audio = {clip.clip: clip.audio for clip in clips}
    speech = long_speech(clips, made["long_frames"])
    lengths = [len(clip.frames) for clip in clips]
    about = {"backend": arguments.settings["backend"], "weights_folder": arguments.weights_folder}
    with ProcessPoolExecutor(arguments.threads) as pool:
        truth = [pool.submit(measure_video, clip.frames, clip.audio, **about) for clip in clips]
        long, short = {}, {}
        for member, video in read_tar(tar):
            number, *_, name = Path(member).with_suffix("").parts
            if member.startswith(f"{number}/clips/"):
                short[number, name] = pool.submit(measure_video, decode_video(video), audio[name], **about)
            else:
                long[number] = pool.submit(measure_long, decode_video(video), speech, **about)
        rows = {
            row["name"]: {
                "passes": row["passes"],
                "clips": clips_row([short[str(number), clip.clip].result() for clip in clips], lengths),
                "long": long[str(number)].result(),
            }
            for number, row in enumerate(made["rows"])
        }
        truth = {"clips": clips_row([one.result() for one in truth], lengths)}
    for row in rows.values():
        row["lost"] = lost(row, rows[str(MOST)])
    result = {
        "command": f"snakemake --cores {arguments.threads} {arguments.output}",
        "sampled_on": made["device"],
        "machine": machine_facts(),
        "model": made["model"],
        "clips": len(clips),
        "clip_frames": sum(lengths),
        "long_frames": made["long_frames"],
        "rows": {"ground truth": truth} | rows,
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), to_markdown(result))


def measure_long(frames: np.ndarray, audio: np.ndarray, backend: str, weights_folder: str) -> dict:
    """The row of a long video, uint8 `[T, S, S, 3]` with its audio."""
    return long_row(frames, measure_video(frames, audio, backend, weights_folder))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--shards", nargs="+", required=True)
    for name in ("--videos", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.benchmarks.steps", parser, main)
