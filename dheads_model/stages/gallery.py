"""The gallery's folder from the manifests of videos and metrics: videos, a picture of each clip, plots, data and page."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dheads_model.errors import UserError
from dheads_model.files import readable_size, sha256_of, write_bytes, write_json, write_text
from dheads_model.manifest import Manifest, read_manifest, verify_file
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.media.video import decode_video
from dheads_model.tables.gallery import (
    GENERATING,
    GROUND_TRUTH,
    Choice,
    choice_in_words,
    choose_clips,
    clip_values,
    data_script,
    page_columns,
    page_files,
    with_badness,
)
from dheads_model.tables.gallery_settings import GallerySettings

_PICTURE_HEIGHT = 96
# Lists all files of the folder, so that lost ones are noticed (workflow_scripts/planning/missing_files.py).
FILES = "files.json"


@dataclass
class _Dataset:
    """What the manifests say of a dataset: {clip: {method: (manifest's path, stored file)}}, {clip: {method: why it has no
    video}}, {clip: facts of its source}, tidy metrics."""

    videos: dict[str, dict] = field(default_factory=dict)
    absent: dict[str, dict[str, str]] = field(default_factory=dict)
    sources: dict[str, dict] = field(default_factory=dict)
    metrics: list[pd.DataFrame] = field(default_factory=list)

    def values(self, kinds: Mapping[str, str]) -> pd.DataFrame:
        """All metrics as one table, with badness."""
        return with_badness(pd.concat(self.metrics, ignore_index=True), kinds)


def write_gallery(
    folder: Path,
    kinds: Mapping[str, str],
    wanted: GallerySettings,
    videos: Iterable[str],
    metrics: Iterable[str],
    sources: Iterable[str],
    plots: Iterable[tuple[str, str]],
    table: str,
) -> str:
    """Write the gallery's files to an empty or new folder, the page last; returns the page's text.

    kinds: {method: kind} in the order of the config; the ground truth is shown first. videos, metrics: manifests of each
    method and test shard. sources: manifests of the source stage. plots: (title, path of a picture). table: table 1 as HTML.
    Raises UserError where no clip has a video.
    """
    order = sorted(kinds, key=lambda method: kinds[method] != GROUND_TRUTH)
    kinds = {method: kinds[method] for method in order}
    found = _read(videos, metrics, sources)
    tables, choices, clips = {}, {}, []
    for dataset, known in sorted(found.items()):
        tables[dataset] = known.values(kinds)
        choices[dataset] = choose_clips(known.videos, tables[dataset], kinds, wanted)
        clips += _copy_clips(folder, dataset, known, tables[dataset], choices[dataset], kinds)
    if not clips:
        raise UserError("no clip has a video: the test split is empty; results/data_card.md has the reasons.")
    shown_plots = [{"title": title, "path": _copy(path, folder, "plots")} for title, path in plots]
    shutil.copyfile(table, folder / "table1.html")
    files = page_files()
    for name in ("gallery.css", "gallery.js"):
        write_text(folder / name, files[name])
    columns = page_columns(tables.values())
    data = {
        "methods": [{"name": method, "kind": kind} for method, kind in kinds.items()],
        "datasets": sorted({clip["dataset"] for clip in clips}),
        "columns": columns,
        "first": _first(columns, kinds),
        "clips": clips,
        "plots": shown_plots,
    }
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) + len(data_script(data))
    data["about"] = _about(choices, wanted, size)
    write_text(folder / "data.js", data_script(data))
    write_text(folder / "index.html", files["index.html"])
    write_json(folder / FILES, {"files": _listed(folder)})
    return files["index.html"]


def _read(videos: Iterable[str], metrics: Iterable[str], sources: Iterable[str]) -> dict[str, _Dataset]:
    found: dict[str, _Dataset] = {}
    for path in videos:
        manifest, method = read_manifest(path), _method(path)
        of_dataset = found.setdefault(manifest.dataset, _Dataset())
        for stored in manifest.files:
            of_dataset.videos.setdefault(Path(stored.name).stem, {})[method] = (path, stored)
        for clip, why in _lost(manifest).items():
            of_dataset.absent.setdefault(clip, {})[method] = why
    for path in metrics:
        manifest = read_manifest(path)
        table = pd.read_parquet(verify_file(path, manifest.files[0]))
        found.setdefault(manifest.dataset, _Dataset()).metrics.append(table)
    for path in sources:
        manifest = read_manifest(path)
        found.setdefault(manifest.dataset, _Dataset()).sources |= manifest.ok()
    return found


def _method(path: str) -> str:
    return Path(path).parent.parent.name


def _lost(manifest: Manifest) -> dict[str, str]:
    kept = manifest.ok()
    return {outcome.clip: outcome.detail or outcome.reason for outcome in manifest.clips if outcome.clip not in kept}


def _copy_clips(
    folder: Path, dataset: str, known: _Dataset, values: pd.DataFrame, choice: Choice, kinds: Mapping[str, str]
) -> list[dict]:
    """Copy the videos of the chosen clips and draw their pictures; returns the clips as the page's script takes them."""
    measured, clips = clip_values(values[values["clip"].isin(choice.clips)]), []
    for clip in choice.clips:
        paths = {method: verify_file(*known.videos[clip][method]) for method in kinds if method in known.videos[clip]}
        copied = {method: _copy(path, folder, f"videos/{method}/{dataset}") for method, path in paths.items()}
        frames = [decode_video(path) for path in paths.values()]
        picture = f"pictures/{dataset}/{clip}.jpg"
        write_bytes(folder / picture, middle_frames(frames))
        facts = known.sources.get(clip, {})
        clips.append(
            {
                "clip": clip,
                "dataset": dataset,
                "speaker": facts.get("speaker", "unknown"),
                "transcript": facts.get("transcript", ""),
                "frames": len(frames[0]),
                "picture": picture,
                "videos": copied,
                "absent": known.absent.get(clip, {}),
                "values": measured.get(clip, {}),
                "worst": choice.worst.get(clip, []),
            }
        )
    return clips


def middle_frames(videos: list[np.ndarray]) -> bytes:
    """JPEG of the middle frames of videos uint8 RGB `[T, S, S, 3]`, side by side, 96 pixels high."""
    size = (_PICTURE_HEIGHT, _PICTURE_HEIGHT)
    tiles = [cv2.resize(video[len(video) // 2], size, interpolation=cv2.INTER_AREA) for video in videos]
    row = cv2.cvtColor(np.concatenate(tiles, axis=1), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", row, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _copy(path: Path | str, folder: Path, below: str) -> str:
    name = f"{below}/{Path(path).name}"
    target = folder / name
    if target.exists():  # as the loss.png of two runs
        name = f"{below}/{Path(path).parent.name}_{Path(path).name}"
        target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return name


def _about(choices: Mapping[str, Choice], wanted: GallerySettings, size: int) -> list[str]:
    return [
        *(choice_in_words(dataset, choice, wanted) for dataset, choice in sorted(choices.items())),
        f"{FRAMES_PER_SECOND} frames per second, one sound for all videos of a clip. Size of this folder: {readable_size(size)}.",
    ]


def _first(columns: list[dict], kinds: Mapping[str, str]) -> dict[str, str]:
    """The metric and the method by which the page sorts at first."""
    generating = [method for method, kind in kinds.items() if kind in GENERATING]
    others = [method for method, kind in kinds.items() if kind != GROUND_TRUTH]
    method = (generating or others or list(kinds))[0]
    named = [column["metric"] for column in columns]
    return {"method": method, "metric": "mouth_truth_correlation" if "mouth_truth_correlation" in named else named[0]}


def _listed(folder: Path) -> list[dict]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return [
        {"name": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in paths
    ]
