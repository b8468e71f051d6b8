"""Networks of other people's metrics against numbers of independent implementations with deterministic weights."""

import json

import numpy as np
import pytest
import torch

from dheads_model.metrics.networks import i3d, inception, syncnet
from dheads_model.metrics.networks.strict import fill
from tests.oracles import deterministic
from tests.workflow import ROOT

GOLDEN = json.loads((ROOT / "tests/golden/data/metric_networks.json").read_text())


def frames() -> np.ndarray:
    """Two small pictures that are the same everywhere, uint8 `[2, 48, 40, 3]`."""
    waves = torch.sin(torch.arange(2 * 48 * 40 * 3).reshape(2, 48, 40, 3) * 0.0137)
    return ((waves * 0.5 + 0.5) * 255).round().to(torch.uint8).numpy()


@pytest.mark.slow
def test_inception_is_that_of_torch_fidelity_pytorch_fid_and_clean_fid():
    network = inception.FIDInception()
    fill(network, deterministic(network.state_dict()), "test")
    for variant in inception.VARIANTS:
        features = inception.frame_features(network, frames(), variant)
        assert features.shape == (2, 2048)
        assert features[:, ::64] == pytest.approx(np.array(GOLDEN[variant]), abs=2e-5)
    for other in ("pytorch_fid", "clean"):
        assert np.abs(np.array(GOLDEN["tf1"]) - GOLDEN[other]).max() > 1e-3


def test_inception_has_the_released_layout():
    with torch.device("meta"):
        state = inception.FIDInception().state_dict()
    assert len(state) == 566
    shapes = {name: list(value.shape) for name, value in state.items()}
    assert shapes == GOLDEN["inception_shapes"]


def test_syncnet_has_the_released_layout():
    with torch.device("meta"):
        network = syncnet.SyncNet()
    assert len(network.state_dict()) == 102
    assert sum(value.numel() for value in network.parameters()) == 13_631_616
    assert {name: list(value.shape) for name, value in network.state_dict().items()} == GOLDEN["syncnet_shapes"]


@pytest.mark.slow
def test_syncnet_is_that_of_syncnet_python():
    network = syncnet.SyncNet()
    fill(network, deterministic(network.state_dict()), "test")
    count = 7
    pictures = np.concatenate([frames()] * 4)[:count]
    mfcc = np.sin(np.arange(13 * 40).reshape(40, 13) * 0.37) * 20
    lips, sound = syncnet.embed_clip(network, pictures, mfcc, count * 640)
    assert lips.shape == sound.shape == (2, 1024)
    assert lips[:, ::64] == pytest.approx(np.array(GOLDEN["syncnet_lips"]), rel=1e-3, abs=1e-3)
    assert sound[:, ::64] == pytest.approx(np.array(GOLDEN["syncnet_sound"]), rel=1e-3, abs=1e-3)


def test_i3d_has_the_released_layout():
    with torch.device("meta"):
        network = i3d.I3D()
    assert len(network.state_dict()) == 344
    assert {name: list(value.shape) for name, value in network.state_dict().items()} == GOLDEN["i3d_shapes"]


@pytest.mark.slow
def test_i3d_is_that_of_cd_fvd():
    network = i3d.I3D()
    fill(network, deterministic(network.state_dict()), "test")
    waves = torch.sin(torch.arange(10 * 24 * 20 * 3).reshape(1, 10, 24, 20, 3) * 0.0137)
    clip = ((waves * 0.5 + 0.5) * 255).round().to(torch.uint8).numpy()
    logits = i3d.clip_features(network, clip)
    assert logits.shape == (1, 400)
    assert logits[:, ::16] == pytest.approx(np.array(GOLDEN["i3d"]), abs=1e-4)
