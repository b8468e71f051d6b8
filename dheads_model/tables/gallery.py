"""The gallery's page: which clips it shows, and its data as a script, since a page that is a file cannot fetch any."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dheads_model.metrics.column import CLOSEST, HIGHER, LOWER, Column
from dheads_model.metrics.measurement import OK
from dheads_model.metrics.registry import COLUMNS
from dheads_model.tables.gallery_settings import GallerySettings

GROUND_TRUTH = "ground_truth"
# Methods whose worst clips are of interest; the others are real videos and simple references.
GENERATING = ("model", "videos")
ARROWS = {"higher": "↑", "lower": "↓", "closest": "≈", "unjudged": ""}
_PAGE = Path(__file__).parent / "gallery_page"
_BASE = "<!--base-->"


@dataclass(frozen=True)
class Choice:
    """The clips of a dataset that are shown, sorted. drawn: how many of them are random; worst: {clip: what it is among the
    worst in}; total: how many could be shown."""

    clips: tuple[str, ...]
    drawn: int
    worst: dict[str, list[str]]
    total: int


def badness(column: Column, value: float, truth: float | None) -> float | None:
    """How bad a clip's value is, as a number that is larger for worse ones.

    truth: the ground truth's value of the same clip; without it there is no badness of a column whose best is closest to it.
    """
    if column.better == HIGHER:
        return -value
    if column.better == LOWER:
        return value
    if column.better == CLOSEST:
        return None if truth is None else abs(value - truth)
    return abs(value)


def worst_in_words(column: Column) -> str:
    """What `badness` calls the worst value of a column."""
    if column.better == CLOSEST:
        return "furthest from the ground truth's value of the same clip"
    return {HIGHER: "lowest", LOWER: "highest"}.get(column.better, "furthest from 0")


def with_badness(values: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Tidy metrics of one dataset, with their `badness` as a further column, None where there is none.

    kinds: {method: kind}.
    """
    columns = {column.metric: column for column in COLUMNS}
    values = values[values["metric"].isin(list(columns)) & values["method"].isin(list(kinds))]
    ok = values["status"] == OK
    real = values[ok & (values["method"].map(kinds) == GROUND_TRUTH)]
    truth = {(row.clip, row.metric): row.value for row in real.itertuples()}
    found = [
        badness(columns[row.metric], row.value, truth.get((row.clip, row.metric))) if row.status == OK else None
        for row in values.itertuples()
    ]
    return values.assign(badness=pd.Series(found, index=values.index, dtype=object))


def choose_clips(
    clips: Iterable[str], values: pd.DataFrame, kinds: Mapping[str, str], wanted: GallerySettings
) -> Choice:
    """The clips of a dataset to show: all, or the drawn ones and the worst per metric and method of `GENERATING` kind.

    clips: that have a video. values: of `with_badness`. A draw depends on seed and clip only, so that one more clip
    changes at most one of those drawn.
    """
    every = sorted(set(clips))

    def draw(clip: str) -> str:
        return hashlib.sha256(f"{wanted.seed}/{clip}".encode()).hexdigest()

    drawn = every if len(every) <= wanted.clips else sorted(every, key=draw)[: wanted.clips]
    worst: dict[str, list[str]] = {}
    if wanted.worst and len(every) > len(drawn):
        judged = values[values["badness"].notna() & values["clip"].isin(every)]
        for column in COLUMNS:
            for method in (name for name, kind in kinds.items() if kind in GENERATING):
                mine = judged[(judged["metric"] == column.metric) & (judged["method"] == method)]
                mine = mine.sort_values(["badness", "clip"], ascending=[False, True], key=_numbers, kind="stable")
                for clip in mine["clip"].head(wanted.worst):
                    worst.setdefault(clip, []).append(f"{column.title} of {method}")
    return Choice(tuple(sorted({*drawn, *worst})), len(drawn), worst, len(every))


def choice_in_words(dataset: str, choice: Choice, wanted: GallerySettings) -> str:
    """Which clips of a dataset are shown, as a sentence."""
    if len(choice.clips) == choice.total:
        return f"{dataset}: all {choice.total} test clips that have a video."
    further = len(choice.clips) - choice.drawn
    return (
        f"{dataset}: {len(choice.clips)} of {choice.total} test clips that have a video: {choice.drawn} drawn at random "
        f"(seed {wanted.seed}), and {further} more that are among the {wanted.worst} worst in a metric of a method."
    )


def clip_values(values: pd.DataFrame) -> dict[str, dict[str, dict[str, dict]]]:
    """{clip: {method: {metric: {value, badness} or {reason}}}} of a table of `with_badness`, as the page's script takes it."""
    found: dict[str, dict[str, dict[str, dict]]] = {}
    for row in values.itertuples():
        cell = {"value": row.value} if row.status == OK else {"reason": row.reason}
        if row.badness is not None:
            cell["badness"] = row.badness
        found.setdefault(row.clip, {}).setdefault(row.method, {})[row.metric] = cell
    return found


def page_columns(tables: Iterable[pd.DataFrame]) -> list[dict]:
    """The metrics that have a value for some clip, in the order of table 1, as the page's script takes them; where there is
    no value at all, every metric."""
    measured = {metric for table in tables for metric in table.loc[table["status"] == OK, "metric"]}
    shown = [column for column in COLUMNS if column.metric in measured or not measured]
    return [
        {
            "metric": column.metric, "title": column.title, "arrow": ARROWS[column.better], "digits": column.digits,
            "explanation": column.explanation, "worst": worst_in_words(column),
        }
        for column in shown
    ]  # fmt: skip


def data_script(data: dict) -> str:
    """The page's data as a script, with everything escaped that could end a script or a line of it."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, allow_nan=False, indent=0)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f"window.GALLERY = {text};\n"


def page_files() -> dict[str, str]:
    """{name: text} of the files of the page that do not depend on the data."""
    return {
        name: _PAGE.joinpath(name).read_text(encoding="utf-8") for name in ("index.html", "gallery.css", "gallery.js")
    }


def page_above(page: str, folder: str) -> str:
    """The page for the folder above `folder`, where its files are."""
    return page.replace(_BASE, f'<base href="{folder}/">')


def _numbers(column: pd.Series) -> pd.Series:
    return column.astype(float) if column.name == "badness" else column
