"""GRID (Cooke, Barker, Cunningham, Shao 2006), fetched from its public hosts by speaker or taken from a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dheads_model.config import settings
from dheads_model.corpora.dataset import CorpusFetch, Dataset, SourceJob
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.grid.cut import Cut, choose, chosen_speakers, cut_shards, outline_speakers
from dheads_model.corpora.grid.layout import FETCHED, LAYOUTS, clip_name, find_files, plan_clip
from dheads_model.corpora.grid.names import SENTENCES_PER_SPEAKER
from dheads_model.corpora.plan import PlannedClip, PlannedShard, ShardOutline
from dheads_model.errors import UserError
from dheads_model.retry_policy import RetryPolicy

_CORPUS = "resources/grid/corpus"
Speakers = Annotated[tuple[Annotated[int, Field(ge=1, le=34)], ...], Field(json_schema_extra={"uniqueItems": True})]


@settings("grid.sources")
class GridSource:
    """A host of the corpus."""

    video: Annotated[str, Field(pattern=r"\{speaker\}")]
    """Address of the zip or tar with a speaker's clips; {speaker} stands for s1, s2, ..."""
    alignments: str | None = None
    """Address of the zip or tar with the word times, of the speaker or of all; null if the host has none."""


_SOURCES = (
    GridSource(
        "https://spandh.dcs.shef.ac.uk/gridcorpus/{speaker}/video/{speaker}.mpg_vcd.zip",
        "https://spandh.dcs.shef.ac.uk/gridcorpus/{speaker}/align/{speaker}.tar",
    ),
    GridSource(
        "https://zenodo.org/records/3625687/files/{speaker}.zip",
        "https://zenodo.org/records/3625687/files/alignments.zip",
    ),
)


@settings("grid")
class GridSettings:
    """GRID: 33 speakers with 1,000 sentences of three seconds each, from its public hosts or a folder; see docs/grid.md."""

    path: Annotated[
        str | None,
        Field(description="Folder with the clips in folders s1, s2, ... If set, nothing is downloaded."),
    ] = None
    speakers: Annotated[
        Speakers | None, Field(min_length=1, description="Speakers to use, 1 to 34 without 21; null for all 33.")
    ] = None
    clips_per_speaker: Annotated[
        int | None,
        Field(
            ge=1, le=SENTENCES_PER_SPEAKER, description="Clips to use of each speaker, chosen by a hash; null for all."
        ),
    ] = None
    test_speakers: Annotated[Speakers, Field(description="Speakers of the test split; they are in no other.")] = (
        1,
        2,
        20,
        22,
    )
    validation_speakers: Annotated[
        Speakers, Field(description="Speakers of the validation split. All others are for training.")
    ] = (9, 23, 27, 34)
    alignments: bool = True
    """Whether the clips get the times of their words."""
    hashes: Annotated[
        str | None,
        Field(
            description="File as sha256sum writes it with the hashes of archives; null: those recorded at the first download."
        ),
    ] = None
    sources: Annotated[
        tuple[GridSource, ...], Field(min_length=1, description="Hosts, tried in this order for each speaker.")
    ] = _SOURCES
    retry: RetryPolicy = RetryPolicy()


def _block(config: Mapping) -> dict:
    """The block grid with the folder that it names."""
    block = config["grid"]
    return block | {"path": given_path(block["path"]) if block["path"] else None}


def _cut(config: Mapping) -> Cut:
    block = config["grid"]
    return Cut(
        tuple(block["test_speakers"]), tuple(block["validation_speakers"]), block["clips_per_speaker"],
        config["sharding"]["clips_per_shard"],
    )  # fmt: skip


def _list_clips(config: Mapping) -> list[PlannedClip]:
    """The chosen clips of the folder, or of the speakers that were fetched."""
    block, cut = _block(config), _cut(config)
    given = block["path"] is not None
    root = Path(block["path"] or _CORPUS)
    found = find_files(root)
    speakers = [number for number in chosen_speakers(block) if given or (root / f"s{number}" / FETCHED).is_file()]
    absent = [number for number in speakers if not (number in found and found[number].videos)]
    if given and (block["speakers"] is not None or len(absent) == len(speakers)) and absent:
        raise UserError(
            f"config key grid.path names {block['path']}, which has no clip of speaker s{absent[0]} ({LAYOUTS}); correct the path "
            "or grid.speakers."
        )
    clips = []
    for number in speakers:
        if number in absent:
            continue
        stems = {clip_name(number, stem): stem for stem in found[number].videos}
        for name in choose(stems, cut.clips_per_speaker):
            clips.append(plan_clip(root, number, stems[name], found[number], cut.split(number), block["alignments"]))
    return clips


def _cut_shards(clips: list[PlannedClip], config: Mapping) -> list[PlannedShard]:
    return cut_shards(clips, _cut(config), as_outlined=config["grid"]["path"] is None)


def _outlines(config: Mapping) -> list[ShardOutline] | None:
    """A corpus that is fetched is outlined by numbers alone, so that the graph is the same before and after."""
    if config["grid"]["path"]:
        return None
    return outline_speakers(_cut(config), chosen_speakers(config["grid"]), config["grid"]["alignments"])


def _speaker_of(config: Mapping, shard: str) -> str:
    """The speaker that a shard is cut from, for instance s1."""
    return f"s{_cut(config).speaker(shard)}"


def _check(config: Mapping) -> None:
    block = config["grid"]
    for key in ("speakers", "test_speakers", "validation_speakers"):
        if 21 in (block[key] or ()):
            raise UserError(f"config key grid.{key} names speaker 21, of whom there is no video; leave 21 out.")
    both = set(block["test_speakers"]) & set(block["validation_speakers"])
    if both:
        raise UserError(
            f"config keys grid.test_speakers and grid.validation_speakers both name speaker {min(both)}; leave one."
        )


DATASET = Dataset(
    name="grid",
    settings=GridSettings,
    list_clips=_list_clips,
    source=SourceJob(
        rule="adopt_grid",
        command="adopt_grid",
        # The clips of a fetched corpus are planned by numbers alone, so what lists and cuts them counts as code.
        more_code=("dheads_model.corpora.grid.layout", "dheads_model.corpora.grid.cut"),
    ),
    planned_keys=lambda config: {"grid": _block(config)},
    outlines=_outlines,
    fetch=CorpusFetch(
        rule="fetch_grid",
        product="resources/grid/speakers/{part}.json",
        settings=lambda config: (
            {key: config["grid"][key] for key in ("sources", "alignments", "clips_per_speaker", "retry")}
            | {"hashes": given_path(config["grid"]["hashes"]) if config["grid"]["hashes"] else None}
        ),
        folders={
            "--downloads-folder": "resources/grid/downloads",
            "--hashes-folder": "resources/grid/hashes",
            "--corpus-folder": _CORPUS,
        },
        needed=lambda config: not config["grid"]["path"],
        part=_speaker_of,
        tracked=lambda config: {key: config["grid"][key] for key in ("alignments", "clips_per_speaker")},
        minutes=720,
    ),
    cut=_cut_shards,
    frames_per_clip=75,
    fetched_bytes=lambda config, size, done: 0 if done or config["grid"]["path"] else size,
    check=_check,
)
