"""Any folder of talking clips."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from dheads_model.config import settings
from dheads_model.corpora import folder
from dheads_model.corpora.dataset import Dataset, SourceJob
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.plan import PlannedClip
from dheads_model.errors import UserError


@settings("folder")
class FolderSettings:
    """Your own videos, anywhere, any format that FFmpeg's libraries open."""

    table: Annotated[
        str | None,
        Field(
            description="CSV in the folder with the columns clip, speaker, split, transcript (clip is the path below the "
            "folder; the other columns are optional)."
        ),
    ] = None
    validation_fraction: Annotated[
        float,
        Field(ge=0, le=1, description="Fraction of speakers held out for validation if the table has no splits."),
    ] = 0.1
    test_fraction: Annotated[
        float, Field(ge=0, le=1, description="Fraction of speakers held out for the test if the table has no splits.")
    ] = 0.2


def _list_clips(config: Mapping) -> list[PlannedClip]:
    """Clips of the folder; where no training will happen and no table names splits, all are test clips."""
    if not config["clips"]:
        raise UserError("dataset folder needs the folder with your videos: add --config clips=PATH.")
    path = given_path(config["clips"])
    clips = folder.list_clips(config["folder"], path, all_test=False)
    smallest = min(run["min_clips"] for run in config["runs"].values())
    if sum(clip.split == "train" for clip in clips) < smallest:
        return folder.list_clips(config["folder"], path, all_test=True)
    return clips


def _planned_keys(config: Mapping) -> dict:
    return {
        "folder": config["folder"],
        "clips": given_path(config["clips"]) if config["clips"] else None,
        "runs": {name: {"min_clips": run["min_clips"]} for name, run in config["runs"].items()},
    }


def _check(config: Mapping) -> None:
    shares = config["folder"]["validation_fraction"] + config["folder"]["test_fraction"]
    if shares > 1:
        raise UserError(
            f"config keys folder.validation_fraction and folder.test_fraction add up to {shares:g}; they are shares of the "
            "speakers and must add up to 1 at most."
        )


DATASET = Dataset(
    name="folder",
    settings=FolderSettings,
    list_clips=_list_clips,
    source=SourceJob(rule="adopt_clips"),
    planned_keys=_planned_keys,
    growing=True,
    strict=False,
    check=_check,
)
