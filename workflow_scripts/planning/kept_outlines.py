"""Outlines of the shards, kept by the Snakemake that a user starts for those that it starts on other nodes.

A cluster job reads the Snakefile again, twice. To list half a million clips there takes seconds and 150 MB each time, and the
job needs what was planned, not what is in the folder meanwhile. Standard library only.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.corpora.dataset import load_dataset
from dheads_model.corpora.plan import ShardOutline
from dheads_model.files import write_json
from workflow_scripts.planning.shards import outline_dataset

FOLDER = ".snakemake/outlines"


def keep_outlines(shards: Mapping[str, Mapping[str, ShardOutline]], config: Mapping, work: Path | str = ".") -> None:
    """Write the outlines of all planned datasets below the work directory."""
    for dataset, outlines in shards.items():
        path = _path(dataset, config, work)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, [dataclasses.astuple(one) for one in outlines.values()])


def kept_outlines(dataset: str, config: Mapping, work: Path | str = ".") -> dict[str, ShardOutline]:
    """The outlines kept for a dataset with this config; where there are none, they are made from the corpus."""
    try:
        rows = json.loads(_path(dataset, config, work).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return outline_dataset(dataset, config)
    return {row[0]: ShardOutline(*row) for row in rows}


def _path(dataset: str, config: Mapping, work: Path | str) -> Path:
    return Path(work, FOLDER, f"{dataset}-{short_hash(load_dataset(dataset).planning(config))}.json")
