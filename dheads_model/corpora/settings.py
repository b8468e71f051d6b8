"""The config blocks of the corpora."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import Count, CountOrZero, Share, settings
from dheads_model.corpora.hosts import Source
from dheads_model.errors import UserError
from dheads_model.retry_policy import RetryPolicy


@settings("embedded")
class EmbeddedSettings:
    """The generated corpus, in CREMA-D's layout. Splits are by actor, so that test actors are never seen in training."""

    actors: Annotated[int, Field(ge=1, le=9000)] = 48
    """Number of distinct actors."""
    clips_per_actor: Annotated[int, Field(ge=1, le=12)] = 2
    """Sentences that each actor speaks, of CREMA-D's 12."""
    validation_actors: CountOrZero = 4
    """Actors held out for validation."""
    test_actors: Count = 8
    """Actors held out for the test."""
    seed: CountOrZero = 7
    """Seed of faces, voices, blinks and head motion."""


@settings("folder")
class FolderSettings:
    """Your own videos, anywhere, any format that FFmpeg's libraries open."""

    table: str | None = None
    """CSV in the folder with the columns clip, speaker, split, transcript (clip is the path below the folder; the
    others may be missing)."""
    validation_fraction: Share = 0.1
    """Share of speakers held out for validation when the table names no splits."""
    test_fraction: Share = 0.2
    """Share of speakers held out for the test when the table names no splits."""

    def __post_init__(self):
        shares = self.validation_fraction + self.test_fraction
        if shares > 1:
            raise UserError(
                f"config keys folder.validation_fraction and folder.test_fraction add up to {shares:g}; they are shares of "
                "the speakers and must add up to 1 at most."
            )


@settings("crema_d")
class CremaDSettings:
    """CREMA-D: 7,442 clips of 91 actors, from its public home or a folder."""

    path: str | None = None
    """A folder with VideoFlash and AudioWAV in it (a download or a git-lfs clone); given, nothing is fetched. Its files
    are checked against the table."""
    tables: str | None = None
    """Folder of the corpus' tables (objects, actors, sentences, bad objects); null for config/crema_d."""
    actors: Annotated[tuple[int, ...], Field(min_length=1)] | None = None
    """Actors to take, 1001 to 1091; null for all."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1)] = (
        Source("git-lfs", "https://github.com/CheyneyComputerScience/CREMA-D.git"),
        Source(
            "files",
            "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/"
            "1658cd342dff90010aa843eaeebd53610a08b1dc/",
        ),
        Source("git-lfs", "https://gitlab.com/cs-cooper-lab/crema-d-mirror.git"),
    )
    """Hosts, asked in this order for what those before did not give."""
    connections: Annotated[int, Field(ge=1, le=16)] = 4
    """Lines to a host at once in one job, and the cores that the job counts for."""
    retry: RetryPolicy = RetryPolicy()


@settings("lrw.clips")
class LrwClips:
    """How many clips the parts hold, as published; a run that fetches them is planned with it."""

    train: CountOrZero = 488766
    """Clips in the folders train."""
    val: CountOrZero = 25000
    """Clips in the folders val."""
    test: CountOrZero = 25000
    """Clips in the folders test."""


@settings("lrw")
class LrwSettings:
    """LRW: 538,766 clips of one spoken word each, licensed by the BBC; see docs/lrw.md."""

    path: str | None = None
    """The unpacked folder lipread_mp4, or the one around it; null for what is fetched from its host."""
    url: str = "https://thor.robots.ox.ac.uk/~vgg/data/lip_reading/data1/"
    """Folder of the seven parts at the corpus' host, which asks for LRW_USER and LRW_PASSWORD."""
    clips: LrwClips = LrwClips()
    test_list: str | None = None
    """A text with one test clip a line (WORD/test/WORD_00001 or WORD_00001), instead of the folder test."""
    framing: Literal["aligned", "as_distributed"] = "aligned"
    """Align to the mean face as other corpora, or take the whole picture as it was distributed, resized to
    crop.size."""
    retry: RetryPolicy = RetryPolicy()
