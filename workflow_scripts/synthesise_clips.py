"""Render one shard of the embedded corpus in CREMA-D's layout, with the truth behind it."""

import os
from pathlib import Path

import pandas as pd

from dheads_model.corpora.embedded.synthesise import Synthesised, speak_all, synthesise
from dheads_model.files import atomic_path, sha256_of, write_bytes
from dheads_model.manifest import process_clips
from workflow_scripts.command import add_budget, parser, run
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(given) -> None:
    shard = planned_shard(given, "embedded")
    seed = given.settings["seed"]
    folder = Path(given.corpus_folder)
    speeches = speak_all(list(shard.clips), seed)
    truth: dict[str, Synthesised] = {}

    def work(name: str, item) -> dict:
        clip, speech = item
        made = synthesise(clip, speech, seed)
        path = folder / "VideoFlash" / f"{name}.flv"
        write_bytes(path, made.flv)
        truth[name] = made
        return {
            "path": os.fspath(path),
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "speaker": clip.speaker,
            "split": clip.split,
            "transcript": clip.transcript,
        }

    items = ((clip.clip, (clip, speech)) for clip, speech in zip(shard.clips, speeches, strict=True))
    outcomes = process_clips(items, work)
    tables = _write_truth(folder / "truth", shard.shard, truth)
    finish_stage(
        given, "synthesise_clips", "embedded", shard, outcomes, tables, more_settings={"membership": given.membership}
    )


def _write_truth(folder: Path, number: str, truth: dict[str, Synthesised]) -> list[Path]:
    """Sidecar tables of a shard: by frame, by phoneme, by blink."""
    frames = [pd.DataFrame({"clip": name, **made.frames}) for name, made in truth.items()]
    phonemes = [(name, *phoneme) for name, made in truth.items() for phoneme in made.phonemes]
    blinks = [(name, *blink) for name, made in truth.items() for blink in made.blinks]
    tables = {
        "frames": pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"clip": []}),
        "phonemes": pd.DataFrame(phonemes, columns=["clip", "start", "end", "phoneme"]),
        "blinks": pd.DataFrame(blinks, columns=["clip", "start", "end"]),
    }
    paths = []
    for kind, table in tables.items():
        path = folder / f"{number}.{kind}.parquet"
        with atomic_path(path) as temporary:
            table.to_parquet(temporary, index=False, compression="zstd")
        paths.append(path)
    return paths


if __name__ == "__main__":
    arguments = add_plan(add_budget(parser(__doc__)))
    run("workflow_scripts.synthesise_clips", arguments, main)
