"""Plan of the workflow before any job runs: clips, shards, runs that can be trained, methods that have videos.

Quick to import, no network: each job of a cluster evaluates the Snakefile again. Nothing is written but the table
of LRW's clips, which saves walking half a million files each time.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dheads_model.configuration_checks import check_configuration, check_model
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.plan import ShardOutline
from dheads_model.corpora.registry import DATASETS
from dheads_model.distilled_runs import lineage
from dheads_model.errors import UserError
from dheads_model.faces.dlib_packages import check_dlib
from dheads_model.method_kinds import WITHOUT_VIDEOS
from workflow_scripts.planning.evaluated_clips import cut_parts, share_clips
from workflow_scripts.planning.shards import outline_dataset
from workflow_scripts.planning.sync_encoders import too_few_clips
from workflow_scripts.planning.weights import check_metrics_weights

_WILDCARD = re.compile(r"\{\s*\w+")


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

    def evaluated(self, dataset: str) -> dict[str, int]:
        """{test shard: how many of its clips get videos}: all, or those of the config's test_subset."""
        shards = {number: self.shards[dataset][number].clips for number in self.numbers(dataset, "test")}
        wanted = self.config["test_subset"]["clips"]
        return shards if wanted is None else share_clips(shards, wanted)

    def subset(self, dataset: str, number: str) -> dict | None:
        """The subset of a test shard for `choose_clips`; None where all clips of the dataset get videos."""
        chosen = self.evaluated(dataset)
        if sum(chosen.values()) == self.count(dataset, "test"):
            return None
        return {"clips": chosen[number], "seed": self.config["test_subset"]["seed"]}

    def subset_note(self, dataset: str) -> str:
        """Sentence for the tables on the subset of a dataset; "" where all clips get videos."""
        count, total = sum(self.evaluated(dataset).values()), self.count(dataset, "test")
        if count == total:
            return ""
        return (
            f"Dataset {dataset}: {count:,} of {total:,} planned test clips, a seeded subset (test_subset.seed "
            f"{self.config['test_subset']['seed']}), the same for all methods and metrics."
        )

    def sampling_parts(self, dataset: str, number: str) -> dict[str, list[int]]:
        """{number of a sampling job: [its first clip, how many]} of a test shard."""
        return cut_parts(self.evaluated(dataset)[number], self.config["sharding"]["clips_per_sampling_job"])

    def missing_methods(self) -> dict[str, str]:
        """Methods that get no row, with the reason: their run has too few clips to train and no model was given."""
        missing = {}
        for name, method in self.config["methods"].items():
            if method["kind"] != "model" or self.config["model"]:
                continue
            for run in lineage(self.config, method["run"]):
                if lack := self._lack(run):
                    missing[name] = f"not trained: {lack}"
        return missing

    def _lack(self, name: str) -> str:
        """Why a run cannot be trained, whatever its teacher; "" if it can."""
        run = self.config["runs"][name]
        found, needed = self.count(run["dataset"], "train"), run["min_clips"]
        if run["dataset"] in self.absent:
            return f"dataset {run['dataset']} is not here"
        if found < needed:
            return f"{found} training clips, run {name} needs {needed}; give an earlier export with --config model=PATH"
        encoder = run.get("audio_encoder_from")
        return too_few_clips(self.config, encoder, found) if encoder else ""

    def sync_refusal(self, dataset: str) -> str:
        """Why sync is not measured on a dataset, "" if it is, or if the config does not enable it."""
        encoder = self.config["metrics"]["sync_encoder"]
        return too_few_clips(self.config, encoder, self.count(dataset, "train")) if encoder else ""

    def methods(self) -> list[str]:
        """Methods that get a row, in the order of the config."""
        missing = self.missing_methods()
        return [name for name in self.config["methods"] if name not in missing]

    def methods_with_videos(self) -> list[str]:
        """Those of them that make videos."""
        return [name for name in self.methods() if self.config["methods"][name]["kind"] not in WITHOUT_VIDEOS]

    def trained_runs(self) -> list[str]:
        """Runs that some evaluated method needs trained here, teachers of distilled runs included."""
        if self.config["model"]:
            return []
        methods = (self.config["methods"][name] for name in self.methods())
        runs = {method["run"] for method in methods if method["kind"] == "model"}
        return sorted({one for run in runs for one in lineage(self.config, run)})


def make_work_plan(
    config: dict, outlined: Callable[[str, dict], dict[str, ShardOutline]] = outline_dataset
) -> WorkPlan:
    """Plan all datasets of a config that are here.

    outlined: function of (dataset, config) that gives the outlines of its shards.
    Raises UserError for a config that is wrong, when a file or folder that it names does not exist, and when no dataset is
    here nor can be fetched.
    """
    check_configuration(config)
    for name, method in config["methods"].items():
        if method["kind"] == "videos" and not Path(given_path(method["path"])).is_dir():
            raise UserError(
                f"config key methods.{name}.path names {method['path']}, which is not a folder; give that of its videos."
            )
    for key, extra in (("published_blinks", "published-blinks"), ("identity", "identity")):
        if config["metrics"][key]:
            check_dlib(key, extra)
    check_metrics_weights(config)
    for key in ("model", "published_audio_encoder"):
        if config[key] and not Path(given_path(config[key])).is_file():
            raise UserError(f"config key {key} names {config[key]}, which is not a file.")
        if config[key]:
            input_path(config[key])
    if config["model"]:
        check_model(given_path(config["model"]), config)
    reasons = {name: DATASETS[name].absent(config) for name in config["datasets"]}
    absent = {name: why for name, why in reasons.items() if why}
    if len(absent) == len(config["datasets"]):
        raise UserError(next(iter(absent.values())))
    present = [dataset for dataset in config["datasets"] if dataset not in absent]
    return WorkPlan(config, {dataset: outlined(dataset, config) for dataset in present}, absent)


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
