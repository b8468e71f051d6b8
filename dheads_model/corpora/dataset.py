"""What the workflow must know of a dataset before any job runs. Standard library only.

A dataset is one module in `dheads_model/corpora/datasets/` that holds one object `DATASET`. Jobs load the module of their
own dataset only. No command's code digest reaches these modules: what planning takes from them arrives in the jobs as
parameters, which are tracked by value.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dheads_model.corpora.plan import PlannedClip, PlannedShard, ShardOutline

PACKAGE = "dheads_model.corpora.datasets"
ConfigBlock = Callable[[Mapping], dict]


def no_settings(config: Mapping) -> dict:
    """The settings of what has none."""
    return {}


@dataclass(frozen=True)
class SourceJob:
    """The job that lists, fetches or checks the clips of one shard.

    A corpus that knows its phone times writes them as `SHARD.phonemes.parquet` and names it in its manifest
    (dheads_model/stages/time_phones.py).

    rule: name of the rule. command: module of `workflow_scripts` that the job runs; `adopt_clips` hashes and probes files
    that are on disk already. settings: of the whole config, what decides the result. hosts: what does not decide it, as
    mirrors; a change of it reruns nothing. recipe: what the command keeps of `settings` in manifest and recipe; None for
    all. more_code: modules that the command uses without importing them, for the digest of its code. threads, downloads:
    of the whole config. mem_mb, minutes: what a scheduler is asked for.
    """

    rule: str
    command: str = "adopt_clips"
    settings: ConfigBlock = no_settings
    hosts: ConfigBlock = no_settings
    recipe: ConfigBlock | None = None
    more_code: tuple[str, ...] = ()
    threads: Callable[[Mapping], int] = lambda config: 1
    downloads: int = 0
    mem_mb: int = 500
    minutes: int = 30


@dataclass(frozen=True)
class CorpusFetch:
    """A job that downloads a whole corpus, or a part of it, before its clips can be listed.

    rule: name of the rule and of its command. product: file that it writes last, which the jobs of all shards wait for;
    its change alone does not rerun them. settings: of the whole config. folders: {option of the command: folder}. needed:
    whether the job is needed. part: function of (config, number of a shard) that names the part of the corpus that the shard
    is cut from, where each part is a job of its own: `product` holds {part}, and the command gets --part. tracked: of the
    whole config, what makes the job run again when it changes.
    """

    rule: str
    product: str
    settings: ConfigBlock
    folders: Mapping[str, str]
    needed: Callable[[Mapping], bool]
    part: Callable[[Mapping, str], str] | None = None
    tracked: ConfigBlock = no_settings
    mem_mb: int = 1000
    minutes: int = 2880


@dataclass(frozen=True)
class Dataset:
    """A corpus. Every function takes the whole config, as a mapping that fits the schema.

    name: of [a-z0-9_], also that of its config block and of its module.
    settings: pydantic dataclass of its config block; bounds and descriptions are in the fields, the block's
    description is the docstring. Every field has a default, so that a config may omit the block.
    list_clips: all clips that are planned, before anything is opened. Raises UserError for what the user can correct.
    source: the job that makes the source stage of a shard.
    planned_keys: the part of the config that `list_clips` and `outlines` use, with paths as a job can open them;
    None for the dataset's own block.
    outlines: shards from the number of clips, if the names are not known yet; None if `list_clips` gives them.
    absent: why the dataset can neither be found nor fetched, "" when it can.
    fetch: a job that brings the whole corpus here first.
    growing: files come and go, so shards are cut such that one clip more changes one shard.
    cut: function of (clips, config) that gives the shards, where neither of the two ways to cut fits; None elsewhere.
    framing: how its frames are framed, one of AlignSettings' framings; None for the default.
    strict: whether a stage stops when it loses more clips than `budget` allows (where budget.strict is null).
    frames_per_clip: mean number of frames at 25 a second, for the disk space; None where it is not known.
    fetched_bytes: function of (config, bytes of a shard's source files, whether its source stage is done): bytes that are
    still to be fetched or unpacked; None for a dataset that fetches nothing.
    check: raises UserError for values of its block that do not fit together.
    note: sentence below every table that has rows of the dataset.
    """

    name: str
    settings: type
    list_clips: Callable[[Mapping], list[PlannedClip]]
    source: SourceJob
    planned_keys: ConfigBlock | None = None
    outlines: Callable[[Mapping], list[ShardOutline] | None] = lambda config: None
    absent: Callable[[Mapping], str] = lambda config: ""
    fetch: CorpusFetch | None = None
    growing: bool = False
    cut: Callable[[list[PlannedClip], Mapping], list[PlannedShard]] | None = None
    framing: Callable[[Mapping], str | None] = lambda config: None
    strict: bool = True
    frames_per_clip: int | None = None
    fetched_bytes: Callable[[Mapping, int, bool], int] | None = None
    check: Callable[[Mapping], None] = lambda config: None
    note: str = field(default="")

    def planning(self, config: Mapping) -> dict:
        """The part of the config that decides which clips form which shard."""
        keys = {self.name: config[self.name]} if self.planned_keys is None else self.planned_keys(config)
        return keys | {"sharding": config["sharding"]}


def load_dataset(name: str) -> Dataset:
    """The dataset of a module of `dheads_model/corpora/datasets/`; raises ValueError when the two names differ."""
    dataset = importlib.import_module(f"{PACKAGE}.{name}").DATASET
    if dataset.name != name:
        raise ValueError(f"the module {PACKAGE}.{name} holds the dataset {dataset.name!r}; give both one name.")
    return dataset
