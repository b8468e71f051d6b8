"""Quality report of a prepared dataset: faces with their landmarks, histograms, and outlier clips."""

import textwrap
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dheads_model.files import atomic_path, write_text
from dheads_model.metrics.clip_quality import MEASURES, oddness
from dheads_model.tables.cells import markdown_cell

_TILE = 128
_COLUMNS = 10
_HEADING_WIDTH = 50  # letters


def with_landmarks(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """A copy of a frame uint8 RGB `[S, S, 3]`, 128 pixels wide, with its landmarks `[68, 2]` as dots."""
    scale = _TILE / frame.shape[0]
    picture = cv2.resize(frame, (_TILE, _TILE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    for x, y in (landmarks + 0.5) * scale - 0.5:
        if np.isfinite([x, y]).all():
            cv2.circle(picture, (round(float(x)), round(float(y))), 1, (40, 255, 40), -1, cv2.LINE_AA)
    return picture


def worst_clips(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Outlier clips, worst first: columns clip, split, speaker, measure, value, oddness, picture.

    A clip's oddness is the maximum over its measures (see metrics/clip_quality.py).
    """
    odd = pd.DataFrame({name: oddness(table[name].to_numpy(float), *how) for name, (_, *how) in MEASURES.items()})
    measure = odd.idxmax(axis=1)
    result = table[["clip", "split", "speaker", "picture"]].reset_index(drop=True)
    result = result.assign(
        measure=measure,
        value=[table[name].iloc[row] for row, name in enumerate(measure)],
        oddness=odd.max(axis=1),
    )
    return result.sort_values(["oddness", "clip"], ascending=[False, True], kind="stable").head(count)


def contact_sheet(table: pd.DataFrame, most: int) -> list[tuple[str, bytes]]:
    """(speaker, image as PNG) of the first clip of each speaker; with one or unknown speakers, of evenly spaced clips."""
    ordered = table.sort_values("clip", kind="stable")
    first = ordered.drop_duplicates("speaker")
    if len(first) == 1:
        first = ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).astype(int))]
        return list(zip(first["clip"], first["picture"], strict=True))
    first = first.iloc[np.unique(np.linspace(0, len(first) - 1, min(most, len(first))).astype(int))]
    return list(zip(first["speaker"], first["picture"], strict=True))


def draw_sheet(tiles: list[tuple[str, bytes]], output: Path | str) -> None:
    """Write labelled images as one PNG, ten in a row."""
    label = 16
    rows = -(-len(tiles) // _COLUMNS)
    canvas = np.full((rows * (_TILE + label), min(len(tiles), _COLUMNS) * _TILE, 3), 255, np.uint8)
    for place, (name, content) in enumerate(tiles):
        y, x = place // _COLUMNS * (_TILE + label), place % _COLUMNS * _TILE
        canvas[y : y + _TILE, x : x + _TILE] = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        shown = name if len(name) <= 18 else f"{name[:8]}..{name[-8:]}"
        cv2.putText(canvas, shown, (x + 3, y + _TILE + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    with atomic_path(output) as temporary:
        temporary.write_bytes(cv2.imencode(".png", canvas)[1].tobytes())


def draw_histograms(table: pd.DataFrame, output: Path | str) -> None:
    """Histograms of all measures as one PNG; the same bytes for the same table."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 4, figsize=(14, 8), layout="constrained")
    for cell, (name, (title, *_)) in zip(axes.flat, MEASURES.items(), strict=True):
        values = table[name].to_numpy(float)
        cell.hist(values[np.isfinite(values)], bins=30, color="tab:blue")
        heading = f"{title}, n = {int(np.isfinite(values).sum())}"
        cell.set(title=textwrap.fill(heading, _HEADING_WIDTH), ylabel="clips", yscale="symlog")
        cell.title.set_fontsize(9)
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=90, metadata={"Software": None})
    plt.close(figure)


def write_page(table: pd.DataFrame, worst: pd.DataFrame, output: Path | str) -> None:
    """Write the report as markdown: median, range and number of each measure, and outlier clips."""
    lines = [f"# Quality of {table['dataset'].iloc[0]}", "", f"{len(table)} prepared clips of {table['speaker'].nunique()} "
             "speakers; pictures: `contact_sheet.png`, `histograms.png`, `worst.png`.", "",
             "| measure | median | 1 % | 99 % | n |", "|---|---|---|---|---|"]  # fmt: skip
    for name, (title, *_) in MEASURES.items():
        values = table[name].dropna()
        if len(values):
            low, middle, high = np.percentile(values, [1, 50, 99])
            lines.append(f"| {title} | {middle:.3g} | {low:.3g} | {high:.3g} | {len(values)} |")
    lines += ["", "Clips that differ most from the others, in robust standard deviations of the measure named:", "",
              "| clip | split | speaker | measure | value | deviations |", "|---|---|---|---|---|---|"]  # fmt: skip
    for row in worst.itertuples():
        about = f"| {row.clip} | {row.split} | {markdown_cell(row.speaker)} | {MEASURES[row.measure][0]} "
        lines.append(f"{about}| {row.value:.3g} | {row.oddness:.1f} |")
    write_text(output, "\n".join(lines) + "\n")
