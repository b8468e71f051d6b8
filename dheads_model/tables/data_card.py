"""The data card: status of every planned clip (kept, filtered or failed), stage, reason, and the remaining hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from dheads_model.corpora.plan import read_plan
from dheads_model.errors import FAIL_REASONS, FILTER_REASONS, UserError
from dheads_model.manifest import FAILED, FILTERED, OK, read_manifest
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.reasons import MEANINGS
from dheads_model.shards.index import UNKNOWN_SPEAKER
from dheads_model.tables.cells import markdown_cell

STAGES = ("source", "track", "align", "crop", "landmark", "audio", "shard")
SHOWN_LOSSES = 50


@dataclass(frozen=True)
class ClipFate:
    """Status of one planned clip. stage: where it was lost, `shard` when it was kept. word: the spoken word of a corpus with
    one word per clip and unknown speakers; else ""."""

    dataset: str
    split: str
    speaker: str
    clip: str
    stage: str
    status: str
    reason: str
    detail: str
    frames: int
    word: str = ""


def fates_of(resources: Path | str, dataset: str, shards: Iterable[str]) -> list[ClipFate]:
    """The status of every planned clip of a dataset's shards, by clip id. Raises UserError when a stage omits a clip."""
    base = Path(resources, dataset)
    fates = []
    for number in shards:
        _, shard = read_plan(base / "plan" / f"{number}.json")
        stages = {stage: read_manifest(base / stage / f"{number}.json") for stage in STAGES[:-1]}
        stages["shard"] = read_manifest(base / "shards" / shard.split / f"{number}.json")
        outcomes = {stage: {outcome.clip: outcome for outcome in manifest.clips} for stage, manifest in stages.items()}
        for clip in shard.clips:
            fates.append(_fate(dataset, shard.split, clip, outcomes))
    return sorted(fates, key=lambda fate: fate.clip)


def card(fates: Iterable[ClipFate]) -> pd.DataFrame:
    """One row per dataset, split and speaker: planned, kept, hours, then a column for each reason that occurred.

    A corpus of words has a row per word instead of per speaker, with the word in a separate column.
    """
    clips = pd.DataFrame([vars(fate) for fate in fates], columns=[field.name for field in fields(ClipFate)])
    clips["cause"] = [f"{fate.status}:{fate.reason}" if fate.status != OK else "" for fate in clips.itertuples()]
    causes = [f"{FILTERED}:{name}" for name in FILTER_REASONS] + [f"{FAILED}:{name}" for name in FAIL_REASONS]
    causes = [cause for cause in causes if (clips["cause"] == cause).any()]
    rows = []
    for dataset, of_dataset in clips.groupby("dataset", sort=True):
        rows.append(_row(dataset, "all", "all", of_dataset, causes))
        for split in ("train", "val", "test"):
            of_split = of_dataset[of_dataset["split"] == split]
            if len(of_split):
                rows.append(_row(dataset, split, "all", of_split, causes))
                for (speaker, word), of_speaker in of_split.groupby(["speaker", "word"], sort=True):
                    rows.append(_row(dataset, split, speaker, of_speaker, causes, word))
    table = pd.DataFrame(rows, columns=None if rows else list(_row("", "", "", clips, causes)))
    return table if table["word"].any() else table.drop(columns="word")


def markdown(fates: list[ClipFate], table: pd.DataFrame, absent: Mapping[str, str]) -> str:
    """The data card as markdown: splits, missing datasets with reasons, reasons with their meaning, lost clips."""
    splits = table[table["speaker"] == "all"].drop(columns=["speaker", "word"], errors="ignore")
    lines = ["# Data card", "", splits.to_markdown(index=False, floatfmt=".4f"), ""]
    lines += [f"Dataset {name} is left out: {why}\n" for name, why in absent.items()]
    lost = [fate for fate in fates if fate.status != OK]
    if lost:
        lines += ["## Reasons", "", "| reason | clips | meaning |", "|---|---|---|"]
        for reason in sorted({fate.reason for fate in lost}):
            lines.append(f"| {reason} | {sum(fate.reason == reason for fate in lost)} | {MEANINGS[reason]} |")
        lines += [
            "",
            "## Lost clips",
            "",
            "| dataset | clip | stage | status | reason | detail |",
            "|---|---|---|---|---|---|",
        ]
        for fate in lost[:SHOWN_LOSSES]:
            cells = (fate.dataset, fate.clip, fate.stage, fate.status, fate.reason, markdown_cell(fate.detail))
            lines.append(f"| {' | '.join(cells)} |")
        if len(lost) > SHOWN_LOSSES:
            lines.append(f"\n... and {len(lost) - SHOWN_LOSSES} more; the manifests below `resources/` name them all.")
    else:
        lines.append("No clip was lost.")
    return "\n".join(lines) + "\n"


def _fate(dataset: str, split: str, clip, outcomes: dict[str, dict]) -> ClipFate:
    known = (dataset, split, clip.speaker, clip.clip)
    word = clip.transcript if clip.speaker == UNKNOWN_SPEAKER else ""
    for stage in STAGES:
        outcome = outcomes[stage].get(clip.clip)
        if outcome is None:
            raise UserError(
                f"clip {clip.clip} of {dataset} vanished at stage {stage}; delete that stage's manifest to redo it."
            )
        if outcome.status != OK:
            return ClipFate(*known, stage, outcome.status, outcome.reason, outcome.detail, 0, word)
    return ClipFate(*known, "shard", OK, "", "", outcomes["shard"][clip.clip].facts["frames"], word)


def _row(dataset: str, split: str, speaker: str, clips: pd.DataFrame, causes: list[str], word: str = "") -> dict:
    row = {
        "dataset": dataset,
        "split": split,
        "speaker": speaker,
        "word": word,
        "planned": len(clips),
        "kept": int((clips["status"] == OK).sum()),
        "frames": int(clips["frames"].sum()),
        "hours": round(clips["frames"].sum() / FRAMES_PER_SECOND / 3600, 5),
    }
    row |= {cause: int((clips["cause"] == cause).sum()) for cause in causes}
    if row["kept"] + sum(row[cause] for cause in causes) != row["planned"]:
        raise AssertionError(f"{row}: the parts do not add up to what was planned")
    return row
