"""Datasets, as planning finds them."""

import subprocess
import sys

import pytest
import yaml

from dheads_model.configuration import default_config
from dheads_model.configuration_schema import json_schema
from dheads_model.corpora.dataset import load_dataset
from dheads_model.corpora.registry import DATASETS
from dheads_model.fingerprint import closure
from tests.workflow import ROOT

SCHEMA = yaml.safe_load((ROOT / "config/schemas/config.schema.yaml").read_text())
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize("name", DATASETS)
def test_settings_class_schema_and_default_config_agree(name):
    assert default_config()[name] == CONFIG[name]
    assert json_schema()["properties"][name] == SCHEMA["properties"][name]


def test_all_but_a_folder_stop_when_they_lose_too_much():
    assert [name for name, dataset in DATASETS.items() if not dataset.strict] == ["folder"]


def test_planning_imports_nothing_heavy():
    modules = "workflow_scripts.planning.plan, workflow_scripts.planning.disk_need, dheads_model.metrics.registry"
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "cv2", "numpy", "av", "requests", "pandas"} & set(done.stdout.split())


@pytest.mark.parametrize("name", DATASETS)
def test_no_command_reaches_the_modules_that_describe_datasets(name):
    """So an edit there replans what changes by value, and no other dataset."""
    reached = closure(f"workflow_scripts.{DATASETS[name].source.command}")
    assert not [module for module in reached if module.startswith("dheads_model.corpora.datasets")]
    assert not {"dheads_model.corpora.registry", "dheads_model.corpora.dataset"} & set(reached)


@pytest.mark.parametrize(
    "command",
    ["track_faces", "align_faces", "crop_faces", "place_landmarks", "extract_audio", "pack_shards", "index_shards",
     "train_model", "train_sync_encoder", "sample_videos", "measure_quality"],
)  # fmt: skip
def test_preparation_training_and_sampling_do_not_reach_the_metrics_of_tables(command):
    assert "dheads_model.metrics.registry" not in closure(f"workflow_scripts.{command}")


def test_a_digest_covers_what_registries_find():
    assert "dheads_model.metrics.per_clip.fidelity" in closure("workflow_scripts.measure_videos")
    assert "dheads_model.metrics.per_clip.fidelity" in closure("workflow_scripts.write_table1")
    assert "dheads_model.diffusion.solvers.heun" in closure("workflow_scripts.sample_videos")
    assert "dheads_model.diffusion.solvers.heun" not in closure("workflow_scripts.train_sync_encoder")


# Beside its description, what a dataset's own code lies in.
OWN = {
    "crema_d": ("crema_d", "fetch"),
    "embedded": ("embedded",),
    "folder": ("folder", "names"),
    "lrw": ("lrw",),
}


@pytest.mark.parametrize("name", DATASETS)
def test_no_command_reaches_the_code_of_another_dataset(name):
    reached = closure(f"workflow_scripts.{DATASETS[name].source.command}")
    others = {module for other, modules in OWN.items() if other != name for module in modules}
    assert not [module for module in reached if module.removeprefix("dheads_model.corpora.").split(".")[0] in others]


def test_a_job_loads_its_own_dataset_only():
    code = (
        "import sys; from workflow_scripts.planned_shard import planned_shard;"
        "from workflow_scripts.planning.shards import load_dataset; load_dataset('embedded'); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = [name for name in done.stdout.split() if name.startswith("dheads_model.corpora.datasets.")]
    assert loaded == ["dheads_model.corpora.datasets.embedded"]


def test_a_module_and_its_dataset_have_one_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "dheads_model.corpora.datasets.other", load_module_of("folder"))
    with pytest.raises(ValueError, match="holds the dataset 'folder'; give both one name"):
        load_dataset("other")


def load_module_of(name):
    load_dataset(name)
    return sys.modules[f"dheads_model.corpora.datasets.{name}"]
