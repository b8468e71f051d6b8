"""Clips of the embedded corpus in CREMA-D's layout, with their ground-truth tables."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dheads_model.corpora.embedded.synthesise import Synthesised, speak_all, synthesise
from dheads_model.corpora.plan import PlannedClip
from dheads_model.files import atomic_path, sha256_of, write_bytes
from dheads_model.manifest import Outcome, process_clips


def synthesise_shard(
    clips: Sequence[PlannedClip], number: str, seed: int, folder: Path
) -> tuple[list[Outcome], list[Path]]:
    """Render the planned clips of shard `number` below `folder`: (outcome of each, the ground-truth tables)."""
    speeches = speak_all(list(clips), seed)
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

    items = ((clip.clip, (clip, speech)) for clip, speech in zip(clips, speeches, strict=True))
    outcomes = process_clips(items, work)
    return outcomes, _write_truth(folder / "truth", number, truth)


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
