"""What the Snakefile needs to know before any job runs: clips, shards, which runs can train, which methods have videos.

No network, no import of numpy or torch: each job of a cluster evaluates the Snakefile again. Nothing is written but the table
of LRW's clips, which saves walking half a million files each time.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dheads_model.config import short_hash
from dheads_model.configuration_checks import check_configuration, check_model
from dheads_model.corpora import crema_d, folder
from dheads_model.corpora.embedded import clips as embedded
from dheads_model.corpora.lrw import index as lrw
from dheads_model.corpora.lrw.credentials import PASSWORD, USER, read_credentials
from dheads_model.corpora.plan import (
    PlannedClip,
    PlannedShard,
    ShardOutline,
    outline,
    outline_counts,
    plan_shards,
    plan_stable_shards,
)
from dheads_model.errors import UserError
from dheads_model.faces.dlib_packages import check_dlib
from workflow_scripts.planning.sync_encoders import too_few_clips

KNOWN_DATASETS = ("embedded", "folder", "crema_d", "lrw")
# Where fetch_lrw unpacks the corpus, with the table of its clips and, written last, the account of the whole.
LRW_CORPUS = "resources/lrw/corpus"
LRW_INDEX, LRW_ACCOUNT = f"{LRW_CORPUS}/index.tsv", f"{LRW_CORPUS}/fetched.json"
# A mean clip of about 70 GB; only the disk's room is reckoned with it.
_LRW_CLIP_BYTES = 130_000
_WILDCARD = re.compile(r"\{\s*\w+")
_TABLES = Path(__file__).resolve().parents[2] / "config" / "crema_d"


@dataclass(frozen=True)
class WorkPlan:
    """The checked config and the shards of each dataset, by dataset name and shard number.

    absent: datasets that the config lists and that can neither be found nor fetched, with one sentence on how to get them.
    """

    config: dict
    shards: dict[str, dict[str, ShardOutline]]
    absent: dict[str, str] = field(default_factory=dict)

    def numbers(self, dataset: str, *splits: str) -> list[str]:
        """Shard numbers of a dataset, all or those of the given splits."""
        return [number for number, shard in self.shards[dataset].items() if not splits or shard.split in splits]

    def count(self, dataset: str, split: str) -> int:
        """Number of planned clips in a split."""
        return sum(shard.clips for shard in self.shards.get(dataset, {}).values() if shard.split == split)

    def missing_methods(self) -> dict[str, str]:
        """Methods that get no row, with the reason: their run has too few clips to train and no model was given."""
        missing = {}
        for name, method in self.config["methods"].items():
            if method["kind"] != "model" or self.config["model"]:
                continue
            run = self.config["runs"][method["run"]]
            found, needed = self.count(run["dataset"], "train"), run["min_clips"]
            if run["dataset"] in self.absent:
                missing[name] = f"not trained: dataset {run['dataset']} is not here"
            elif found < needed:
                missing[name] = (
                    f"not trained: {found} training clips, run {method['run']} needs {needed}; "
                    "give an earlier export with --config model=PATH"
                )
            elif run.get("audio_encoder_from") and (
                lack := too_few_clips(self.config, run["audio_encoder_from"], found)
            ):
                missing[name] = f"not trained: {lack}"
        return missing

    def sync_refusal(self, dataset: str) -> str:
        """Why sync is not measured on a dataset, "" when it is or when the config does not ask for it."""
        encoder = self.config["metrics"]["sync_encoder"]
        return too_few_clips(self.config, encoder, self.count(dataset, "train")) if encoder else ""

    def methods(self) -> list[str]:
        """Methods that get a row, in the order of the config."""
        missing = self.missing_methods()
        return [name for name in self.config["methods"] if name not in missing]

    def trained_runs(self) -> list[str]:
        """Runs that some evaluated method needs trained here."""
        if self.config["model"]:
            return []
        methods = (self.config["methods"][name] for name in self.methods())
        return sorted({method["run"] for method in methods if method["kind"] == "model"})


def make_work_plan(config: dict) -> WorkPlan:
    """Plan all datasets of a config that are here.

    Raises UserError for a config that is wrong, when a file or folder that it names does not exist, and when no dataset is
    here nor can be fetched.
    """
    check_configuration(config)
    for name, method in config["methods"].items():
        if method["kind"] == "videos" and not Path(given_path(method["path"])).is_dir():
            raise UserError(
                f"config key methods.{name}.path names {method['path']}, which is not a folder; give that of its videos."
            )
    if config["metrics"]["published_blinks"]:
        check_dlib()
    for key in ("model", "published_audio_encoder"):
        if config[key] and not Path(given_path(config[key])).is_file():
            raise UserError(f"config key {key} names {config[key]}, which is not a file.")
        if config[key]:
            input_path(config[key])
    if config["model"]:
        check_model(given_path(config["model"]), config)
    if "@" in urlsplit(config["lrw"]["url"]).netloc:
        raise UserError(
            f"config key lrw.url holds a name or password, and a config is kept with the results: write the address alone and "
            f"set the environment variables {USER} and {PASSWORD}."
        )
    absent = {}
    if "lrw" in config["datasets"] and not lrw_is_here(config):
        try:
            read_credentials(os.environ)
        except UserError as problem:
            if config["datasets"] == ["lrw"]:
                raise
            absent["lrw"] = str(problem)
    present = [dataset for dataset in config["datasets"] if dataset not in absent]
    return WorkPlan(config, {dataset: outline_dataset(dataset, config) for dataset in present}, absent)


def outline_dataset(dataset: str, config: dict) -> dict[str, ShardOutline]:
    """Outlines of the shards of one dataset by their number.

    LRW from its host is outlined by numbers of clips alone: those that were counted when it was unpacked, before that
    those in the config. So one command fetches and prepares it, and the graph is the same before and after.
    """
    clips_per_shard = config["sharding"]["clips_per_shard"]
    if dataset == "lrw" and not config["lrw"]["path"]:
        listed = lrw_settings(config)["test_list"]
        counts = _counted_lrw() or config["lrw"]["clips"]
        counts = lrw.counts_with_list(counts, listed) if listed else counts
        corpus = hashlib.sha256(Path(listed).read_bytes()).hexdigest() if listed else ""
        outlines = outline_counts(counts, clips_per_shard, _LRW_CLIP_BYTES, corpus)
    else:
        outlines = map(outline, plan_dataset(dataset, config))
    return {one.shard: one for one in outlines}


def plan_dataset(dataset: str, config: dict) -> list[PlannedShard]:
    """Shards of one dataset, in the order of their numbers."""
    # Clips come to a folder and go; the other corpora are as they are.
    cut = plan_stable_shards if dataset == "folder" else plan_shards
    return cut(list_clips(dataset, config), config["sharding"]["clips_per_shard"])


def list_clips(dataset: str, config: dict) -> list[PlannedClip]:
    """All clips that a dataset plans, before anything is opened."""
    if dataset == "embedded":
        return embedded.list_clips(config["embedded"])
    if dataset == "crema_d":
        return crema_d.list_clips(config["crema_d"], crema_d_settings(config)["tables"])
    if dataset == "lrw":
        return _lrw_clips(config)
    if dataset == "folder":
        if not config["clips"]:
            raise UserError("dataset folder needs the folder with your videos: add --config clips=PATH.")
        return _folder_clips(config)
    raise UserError(f"config key datasets names {dataset!r}; known are {', '.join(KNOWN_DATASETS)}.")


def crema_d_settings(config: dict) -> dict:
    """The block crema_d with the folders that it names or leaves to the project."""
    block = config["crema_d"]
    return block | {
        "path": given_path(block["path"]) if block["path"] else None,
        "tables": given_path(block["tables"]) if block["tables"] else str(_TABLES),
    }


def lrw_settings(config: dict) -> dict:
    """The block lrw with the folder and the list that it names."""
    block = config["lrw"]
    return block | {key: given_path(block[key]) if block[key] else None for key in ("path", "test_list")}


def lrw_is_here(config: dict) -> bool:
    """Whether LRW's folder is given, or was fetched: its account is written last, a folder without it is half unpacked."""
    return bool(config["lrw"]["path"]) or Path(LRW_ACCOUNT).is_file()


def given_path(path: str) -> str:
    """A path from the config as given, or absolute when it exists only where the command was called.

    With `--directory` Snakemake works elsewhere, while people write paths relative to where they stand.
    """
    if os.path.isabs(path) or os.path.exists(path):
        return path
    called_from = Path(os.environ.get("PWD", "."), path)
    return str(called_from) if called_from.exists() else path


def input_path(path: str) -> str:
    """A path from the config that is a rule's input, in which Snakemake would take {x} for a wildcard.

    Raises UserError for one that has braces however it is written.
    """
    path = given_path(path)
    if _WILDCARD.search(path):
        path = os.path.relpath(path)
    if _WILDCARD.search(path):
        raise UserError(f"{path} has a name in braces, which Snakemake takes for a wildcard: rename or copy the file.")
    return path


def _lrw_clips(config: dict) -> list[PlannedClip]:
    """Clips of LRW from the table of its clips; that of a given folder is made where there is none, delete it to walk again."""
    block = lrw_settings(config)
    if not block["path"]:
        return lrw.list_clips(LRW_INDEX, LRW_CORPUS, block["test_list"])
    # Each folder has a table of its own.
    table = Path(f"resources/lrw/index-{short_hash(block['path'])}.tsv")
    if not table.is_file():
        lrw.build_index(block["path"], table, read_texts=False)
    return lrw.list_clips(table, block["path"], block["test_list"])


def _counted_lrw() -> dict[str, int] | None:
    """Number of clips by split of the fetched corpus, None where it is not here; raises UserError for an unusable account."""
    try:
        return json.loads(Path(LRW_ACCOUNT).read_text(encoding="utf-8"))["clips"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as problem:
        raise UserError(f"{LRW_ACCOUNT} is not usable ({problem}); delete it to unpack the parts again.") from problem


def _folder_clips(config: dict) -> list[PlannedClip]:
    """Clips of the folder; where no training will happen and no table names splits, all are test clips."""
    path = given_path(config["clips"])
    clips = folder.list_clips(config["folder"], path, all_test=False)
    smallest = min(run["min_clips"] for run in config["runs"].values())
    if sum(clip.split == "train" for clip in clips) < smallest:
        return folder.list_clips(config["folder"], path, all_test=True)
    return clips
