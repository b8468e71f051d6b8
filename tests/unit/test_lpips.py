"""LPIPS: equal to its package with the same weights, strict about files, and what it says without them."""

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.networks import lpips
from dheads_model.metrics.networks.lpips import AlexFeatures, Heads, Lpips, open_lpips, video_lpips
from dheads_model.metrics.networks.strict import fill
from dheads_model.metrics.per_clip import lpips as column
from dheads_model.weights import Weights, read_weights_table
from tests.oracles import deterministic, oracle
from tests.workflow import ROOT


def states() -> tuple[dict, dict]:
    """Weights of backbone and heads, the same everywhere; heads are never negative."""
    heads = deterministic(Heads().state_dict())
    return deterministic(AlexFeatures().state_dict()), {name: value.abs() / 100 for name, value in heads.items()}


def network() -> Lpips:
    backbone, heads = states()
    return Lpips(fill(AlexFeatures(), backbone, "test"), fill(Heads(), heads, "test")).eval()


def pairs() -> torch.Tensor:
    ramp = torch.linspace(-1, 1, 3 * 3 * 64 * 80)
    return torch.cat([ramp.mul(50).sin().reshape(3, 3, 64, 80), ramp.mul(70).cos().reshape(3, 3, 64, 80)], dim=1)


def test_numbers_of_the_package_lpips():
    """Of lpips 0.1.4 on torchvision 0.28.0's AlexNet with these weights; the two differ by nothing."""
    with torch.no_grad():
        assert network()(pairs()).tolist() == pytest.approx([0.0033237054, 0.0035952211, 0.0038260291], rel=1e-5)


def test_it_is_the_package_lpips():
    oracle("torchvision")
    theirs = oracle("lpips").LPIPS(pretrained=False, net="alex", pnet_rand=True, verbose=False).eval()
    backbone, heads = states()
    for parameter, value in zip(theirs.net.parameters(), backbone.values(), strict=True):
        parameter.data.copy_(value)
    for name, value in heads.items():
        dict(theirs.named_parameters())[name].data.copy_(value)
    with torch.no_grad():
        assert torch.equal(network()(pairs()), theirs(pairs()[:, :3], pairs()[:, 3:]).flatten())


def test_the_released_layout():
    shapes = {name: tuple(value.shape) for name, value in AlexFeatures().state_dict().items()}
    assert len(shapes) == 10 and sum(value.numel() for value in AlexFeatures().parameters()) == 2_469_696
    assert shapes["features.0.weight"] == (64, 3, 11, 11) and shapes["features.10.bias"] == (256,)
    heads = {name: tuple(value.shape) for name, value in Heads().state_dict().items()}
    assert heads == {
        f"lin{number}.model.1.weight": (1, channels, 1, 1) for number, channels in enumerate((64, 192, 384, 256, 256))
    }


def test_a_video_against_itself_and_against_others():
    video = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    metric = network()
    assert video_lpips(metric, video, video) == 0
    near, far = (
        video_lpips(metric, np.clip(video.astype(int) + step, 0, 255).astype(np.uint8), video) for step in (2, 60)
    )
    assert 0 < near < far
    with pytest.raises(UserError, match="32 pixels at least, not 16"):
        video_lpips(metric, video[:, :16], video[:, :16])


def test_files_are_opened_strictly(tmp_path):
    backbone, heads = states()
    unused = {name: torch.zeros(1).expand(shape) for name, shape in lpips._UNUSED.items()}

    def saved(name: str, state: dict) -> Weights:
        torch.save(state, tmp_path / name)
        return Weights(name, (tmp_path / name).stat().st_size, sha256_of(tmp_path / name), "https://x", "")

    whole, head = saved("a.pth", backbone | unused), saved("h.pth", heads)
    opened = open_lpips(tmp_path, whole, head)
    with torch.no_grad():
        assert torch.equal(opened(pairs()), network()(pairs()))
    with pytest.raises(UserError, match="another classifier than AlexNet"):
        open_lpips(tmp_path, saved("b.pth", backbone), head)
    with pytest.raises(UserError, match=r"lacks features\.10\.bias"):
        open_lpips(
            tmp_path, saved("c.pth", {n: v for n, v in backbone.items() if n != "features.10.bias"} | unused), head
        )


def test_without_weights_the_column_says_what_to_run(tmp_path):
    table = read_weights_table(ROOT / "config/weights.tsv")
    assert set(column.FILES) == {lpips.BACKBONE_NAME, lpips.HEADS_NAME} <= set(table)
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    points = np.zeros((2, 68, 2), np.float32)
    clip = (frames, frames, np.zeros(1280, np.int16), points, np.ones(2, bool), points, False)
    (found,) = measure_clip(*clip, {"lpips": column.METRIC}, str(tmp_path))
    assert (found.value, found.status) == (None, "not_computed")
    assert (
        found.reason == f"not computed: weights missing (snakemake --cores 1 resources/weights/{lpips.BACKBONE_NAME})"
    )
