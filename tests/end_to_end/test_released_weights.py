"""FID, FVD and SyncNet with files that stand in for the released ones: missing, fetched, measured with, damaged."""

import hashlib
import io
import json

import pandas as pd
import pytest
import torch

from dheads_model.manifest import read_manifest
from dheads_model.metrics import fid
from dheads_model.metrics.distances import fvd_i3d, fvd_torchscript
from dheads_model.metrics.networks.i3d import I3D
from dheads_model.metrics.networks.inception import FIDInception
from dheads_model.metrics.networks.syncnet import SyncNet
from dheads_model.metrics.per_clip import syncnet
from tests.conftest import TINY
from tests.media_host import serve
from tests.workflow import copy_project, snakemake

pytestmark = pytest.mark.slow

COLUMNS = "name\tbytes\tsha256\turl\tmirror\tlicence\tneeded_by\n"
# Two test clips, and too few for a training: rows of the ground truth and of its frozen first frame.
CONFIG = {
    "embedded": {"actors": 4, "clips_per_actor": 1, "validation_actors": 1, "test_actors": 2},
    "runs": {"ours": {"min_clips": 99}},
    "metrics": {
        "distances": ["fid_tf1", "fvd_i3d", "fvd_torchscript"],
        "syncnet": True,
        "fvd": {"frames": 9, "stride": 2},
    },
}
FIGURES = ("fid_tf1", "kid_tf1", "fvd_i3d", "fvd_torchscript")
TABLE = ("--", "results/table1.csv")


class _Script(torch.nn.Module):
    """Called as the released I3D is, small."""

    def forward(self, clips: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool3d(clips, (4, 10, 10)).mean(dim=1).flatten(1)


def stand_ins() -> dict[str, bytes]:
    """File contents by the released files' names: random weights for the networks' own names and shapes."""
    torch.manual_seed(0)
    networks = {fid.WEIGHTS: FIDInception(), fvd_i3d.WEIGHTS: I3D(), syncnet.WEIGHTS: SyncNet()}
    files = {}
    for name, network in networks.items():
        buffer = io.BytesIO()
        torch.save(network.state_dict(), buffer)
        files[name] = buffer.getvalue()
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(_Script()), buffer)
    return files | {fvd_torchscript.WEIGHTS: buffer.getvalue()}


def test_from_missing_weights_to_cells_and_back(tmp_path):
    project, work, files = copy_project(tmp_path / "project"), tmp_path / "work", stand_ins()
    work.mkdir()
    (tmp_path / "overlay.yaml").write_text(json.dumps(CONFIG))
    configs = ("--configfile", str(TINY), str(tmp_path / "overlay.yaml"))
    with serve(files) as host:
        rows = [
            f"{name}\t{len(content)}\t{hashlib.sha256(content).hexdigest()}\t{host.url}/files/{name}\t\tnone\ttests\n"
            for name, content in files.items()
        ]
        (project / "config/weights.tsv").write_text(COLUMNS + "".join(rows))
        done = snakemake(project, work, "--cores", "2", *configs, *TABLE)
        assert done.returncode == 0, done.stdout + done.stderr
        table, page = pd.read_csv(work / "results/table1.csv"), (work / "results/table1.md").read_text()
        assert not host.asked, "weights are fetched on request only"
        assert list(table["method"]) == ["ground_truth", "frozen_first_frame"]
        commands = {name: f"snakemake --cores 1 resources/weights/{name}" for name in files}
        assert table["fid_tf1_status"].tolist() == [f"not computed: weights missing ({commands[fid.WEIGHTS]})"] * 2
        assert table[[*FIGURES, "av_confidence"]].isna().all(axis=None)
        (cells,) = [line for line in page.splitlines() if line.startswith("| LSE-D (SyncNet) |") and "↓" in line]
        assert cells.count(f"not computed: weights missing ({commands[syncnet.WEIGHTS]})") == 2

        required = ("--config", "metrics={require: [fid_tf1]}")
        stopped = snakemake(project, work, "--cores", "2", *configs, *required, *TABLE)
        assert stopped.returncode and commands[fid.WEIGHTS] in stopped.stdout + stopped.stderr

        targets = [command.split()[-1] for command in commands.values()]
        done = snakemake(project, work, "--cores", "1", *configs, "--", *targets)
        assert done.returncode == 0, done.stdout + done.stderr
    prepared = (work / "resources/embedded/index.json").stat().st_mtime_ns
    done = snakemake(project, work, "--cores", "2", *configs, *required, *TABLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (work / "resources/embedded/index.json").stat().st_mtime_ns == prepared
    table = pd.read_csv(work / "results/table1.csv").set_index("method")
    frozen = table.loc["frozen_first_frame"]
    for name in FIGURES:
        assert frozen[f"{name}_status"] == "ok" and frozen[name] == frozen[name]
        assert (frozen[f"{name}_clips"], frozen[f"{name}_real_clips"]) == (2, 2)
        assert "too few for two halves" in table.loc["ground_truth", f"{name}_status"]
    assert frozen["fvd_i3d_rows"] == 2 and frozen["fid_tf1_rows"] == 16
    assert frozen["fvd_torchscript"] > 0 and frozen["fid_tf1"] > 0
    assert table["av_confidence_n"].tolist() == [2, 2] and (table["lse_d"] > 0).all()
    assert "windows of 9 frames, stride 2, one a clip" in (work / "results/table1.md").read_text()
    features = read_manifest(work / "results/features/fvd_i3d/ground_truth/embedded/00002.json")
    assert [outcome.facts for outcome in features.clips] == [{"rows": 1}] * 2

    damaged = work / "resources/weights" / fvd_torchscript.WEIGHTS
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(content)
    done = snakemake(project, work, "--cores", "1", *configs, *TABLE)
    said = done.stdout + done.stderr
    assert done.returncode and "i3d_torchscript.pt is not the file of" in said and "size or sha256 differ" in said
