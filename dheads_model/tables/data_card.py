"""The account of every planned clip: kept, filtered or failed, at which stage and why, and the hours that are left."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dheads_model.corpora.plan import read_plan
from dheads_model.errors import FAIL_REASONS, FILTER_REASONS, UserError
from dheads_model.manifest import FAILED, FILTERED, OK, read_manifest
from dheads_model.media.clock import FRAMES_PER_SECOND

STAGES = ("source", "track", "align", "crop", "landmark", "audio", "shard")
SHOWN_LOSSES = 50


@dataclass(frozen=True)
class ClipFate:
    """What became of one planned clip. stage: where it was lost, `shard` when it was kept."""

    dataset: str
    split: str
    speaker: str
    clip: str
    stage: str
    status: str
    reason: str
    detail: str
    frames: int


def fates_of(resources: Path | str, dataset: str) -> list[ClipFate]:
    """The fate of every planned clip of a dataset, by clip id. Raises UserError when a stage does not mention a clip."""
    base = Path(resources, dataset)
    fates = []
    for plan_path in sorted(base.glob("plan/*.json")):
        _, shard = read_plan(plan_path)
        number = shard.shard
        stages = {stage: read_manifest(base / stage / f"{number}.json") for stage in STAGES[:-1]}
        stages["shard"] = read_manifest(base / "shards" / shard.split / f"{number}.json")
        outcomes = {stage: {outcome.clip: outcome for outcome in manifest.clips} for stage, manifest in stages.items()}
        for clip in shard.clips:
            fates.append(_fate(dataset, shard.split, clip, outcomes))
    return sorted(fates, key=lambda fate: fate.clip)


def card(fates: Iterable[ClipFate]) -> pd.DataFrame:
    """One row a dataset, a split and a speaker: planned, kept, hours, then a column for each reason that occurred."""
    clips = pd.DataFrame([vars(fate) for fate in fates])
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
                for speaker, of_speaker in of_split.groupby("speaker", sort=True):
                    rows.append(_row(dataset, split, speaker, of_speaker, causes))
    return pd.DataFrame(rows)


def markdown(fates: list[ClipFate], table: pd.DataFrame) -> str:
    """The card as a page: splits, reasons with their meaning, and the clips that were lost."""
    splits = table[table["speaker"] == "all"].drop(columns="speaker")
    lines = ["# Data card", "", splits.to_markdown(index=False, floatfmt=".4f"), ""]
    lost = [fate for fate in fates if fate.status != OK]
    if lost:
        meanings = FILTER_REASONS | FAIL_REASONS
        lines += ["## Reasons", "", "| reason | clips | meaning |", "|---|---|---|"]
        for reason in sorted({fate.reason for fate in lost}):
            lines.append(f"| {reason} | {sum(fate.reason == reason for fate in lost)} | {meanings[reason]} |")
        lines += [
            "",
            "## Lost clips",
            "",
            "| dataset | clip | stage | status | reason | detail |",
            "|---|---|---|---|---|---|",
        ]
        for fate in lost[:SHOWN_LOSSES]:
            detail = " ".join(fate.detail.replace("|", "/").split())
            lines.append(f"| {fate.dataset} | {fate.clip} | {fate.stage} | {fate.status} | {fate.reason} | {detail} |")
        if len(lost) > SHOWN_LOSSES:
            lines.append(f"\n... and {len(lost) - SHOWN_LOSSES} more; the manifests below `resources/` name them all.")
    else:
        lines.append("No clip was lost.")
    return "\n".join(lines) + "\n"


def _fate(dataset: str, split: str, clip, outcomes: dict[str, dict]) -> ClipFate:
    known = (dataset, split, clip.speaker, clip.clip)
    for stage in STAGES:
        outcome = outcomes[stage].get(clip.clip)
        if outcome is None:
            raise UserError(
                f"clip {clip.clip} of {dataset} vanished at stage {stage}; delete that stage's manifest to redo it."
            )
        if outcome.status != OK:
            return ClipFate(*known, stage, outcome.status, outcome.reason, outcome.detail, 0)
    return ClipFate(*known, "shard", OK, "", "", outcomes["shard"][clip.clip].facts["frames"])


def _row(dataset: str, split: str, speaker: str, clips: pd.DataFrame, causes: list[str]) -> dict:
    row = {
        "dataset": dataset,
        "split": split,
        "speaker": speaker,
        "planned": len(clips),
        "kept": int((clips["status"] == OK).sum()),
        "frames": int(clips["frames"].sum()),
        "hours": round(clips["frames"].sum() / FRAMES_PER_SECOND / 3600, 5),
    }
    row |= {cause: int((clips["cause"] == cause).sum()) for cause in causes}
    if row["kept"] + sum(row[cause] for cause in causes) != row["planned"]:
        raise AssertionError(f"{row}: the parts do not add up to what was planned")
    return row
