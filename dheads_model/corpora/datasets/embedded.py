"""The embedded corpus: generated clips, so that the workflow runs without a download."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from dheads_model.config import settings
from dheads_model.corpora.dataset import Dataset, SourceJob
from dheads_model.corpora.embedded.clips import list_clips


@settings("embedded")
class EmbeddedSettings:
    """The generated corpus, in CREMA-D's layout. Splits are by actor, so that test actors are never seen in training."""

    actors: Annotated[int, Field(ge=1, le=9000, description="Number of distinct actors.")] = 48
    clips_per_actor: Annotated[
        int, Field(ge=1, le=12, description="Sentences that each actor speaks, of CREMA-D's 12.")
    ] = 2
    validation_actors: Annotated[int, Field(ge=0, description="Actors held out for validation.")] = 4
    test_actors: Annotated[int, Field(ge=1, description="Actors held out for the test.")] = 8
    seed: Annotated[int, Field(ge=0, description="Seed of faces, voices, blinks and head motion.")] = 7


def _source_settings(config: Mapping) -> dict:
    return {"seed": config["embedded"]["seed"]}


DATASET = Dataset(
    name="embedded",
    settings=EmbeddedSettings,
    list_clips=lambda config: list_clips(config["embedded"]),
    source=SourceJob(
        rule="synthesise_clips",
        command="synthesise_clips",
        settings=_source_settings,
        # Run as a program of its own.
        more_code=("dheads_model.corpora.embedded.speak_espeak",),
        mem_mb=1500,
    ),
    frames_per_clip=55,  # measured
    note="embedded is a generated corpus (a mesh-warped portrait that speaks by eSpeak NG): its figures show that the "
    "workflow works and cannot be compared with those of CREMA-D or LRW.",
)
