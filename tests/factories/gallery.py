"""A small gallery as the command makes it, from videos and metrics of made-up clips."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.media.encode import write_video
from dheads_model.stages.gallery import write_gallery
from dheads_model.tables.gallery import page_above
from dheads_model.tables.gallery_settings import GallerySettings

KINDS = {"ours": "model", "ground_truth": "ground_truth", "wav2lip": "videos"}
PSNR = {"ours": 20.0, "ground_truth": None, "wav2lip": 30.0}
FRAMES = 50


@dataclass(frozen=True)
class Clip:
    """A clip: its id, speaker, transcript, dataset, and how far its values are from those of the first clip."""

    clip: str
    speaker: str = "s1"
    transcript: str = "well spoken"
    dataset: str = "embedded"
    offset: float = 0.0


def make_gallery(folder: Path, clips: list[Clip], wanted: GallerySettings | None = None, absent: str = "") -> Path:
    """Write the gallery of clips and return its folder; method wav2lip has no video of the clip `absent`."""
    inputs: dict[str, list[str]] = {"videos": [], "metrics": [], "sources": []}
    for dataset in sorted({clip.dataset for clip in clips}):
        mine = [clip for clip in clips if clip.dataset == dataset]
        facts = [
            Outcome(clip.clip, "ok", facts={"speaker": clip.speaker, "transcript": clip.transcript}) for clip in mine
        ]
        inputs["sources"].append(_manifest(folder / f"source/{dataset}/00000.json", dataset, facts, []))
        for method in KINDS:
            shown = [clip for clip in mine if not (method == "wav2lip" and clip.clip == absent)]
            inputs["videos"].append(_videos(folder / f"videos/{method}/{dataset}/00000.json", dataset, mine, shown))
            inputs["metrics"].append(
                _metrics(folder / f"metrics/{method}/{dataset}/00000.json", dataset, method, shown)
            )
    table = folder / "table1.html"
    table.write_text("<!doctype html><title>t</title><p>table 1", encoding="utf-8")
    gallery = folder / "gallery"
    page = write_gallery(
        gallery / "page", KINDS, wanted or GallerySettings(), inputs["videos"], inputs["metrics"], inputs["sources"], [],
        str(table),
    )  # fmt: skip
    (gallery / "index.html").write_text(page_above(page, "page"), encoding="utf-8")
    return gallery


def _videos(path: Path, dataset: str, clips: list[Clip], shown: list[Clip]) -> str:
    times = np.arange(FRAMES)
    audio = (8000 * np.sin(np.arange(640 * FRAMES) * 0.08)).astype(np.int16)
    frames = np.broadcast_to((times * 4)[:, None, None, None], (FRAMES, 32, 32, 3)).astype(np.uint8)
    for clip in shown:
        write_video(path.parent / f"{clip.clip}.mp4", frames, audio)
    kept = {clip.clip for clip in shown}
    outcomes = [
        Outcome(clip.clip, "ok")
        if clip.clip in kept
        else Outcome(clip.clip, "failed", "missing_file", "FOLDER lacks it")
        for clip in clips
    ]
    return _manifest(path, dataset, outcomes, [path.parent / f"{clip.clip}.mp4" for clip in shown])


def _metrics(path: Path, dataset: str, method: str, clips: list[Clip]) -> str:
    rows = []
    for clip in clips:
        psnr = None if PSNR[method] is None else PSNR[method] - clip.offset
        for metric, value in (("psnr", psnr), ("blinks_per_second", 0.3 if method == "ground_truth" else 0.1)):
            about = {"dataset": dataset, "split": "test", "speaker": clip.speaker, "method": method, "clip": clip.clip}
            status = (
                {"status": "ok", "reason": ""} if value is not None else {"status": "undefined", "reason": "itself"}
            )
            rows.append({**about, "frames": FRAMES, "metric": metric, "value": value, **status})
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).astype({"value": "float64"}).to_parquet(path.with_suffix(".parquet"))
    return _manifest(path, dataset, [Outcome(clip.clip, "ok") for clip in clips], [path.with_suffix(".parquet")])


def _manifest(path: Path, dataset: str, outcomes: list[Outcome], files: list[Path]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(path, Manifest("stage", dataset, "test", "00000", {}, tuple(outcomes), store_files(files, path)))
    return str(path)
