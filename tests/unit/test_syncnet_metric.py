"""SyncNet as a metric of table 1: columns, short clips, weights that are missing or other ones."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from dheads_model import weights as weights_module
from dheads_model.configuration import default_config
from dheads_model.errors import UserError
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.measurement import NOT_COMPUTED
from dheads_model.metrics.networks.syncnet import SyncNet
from dheads_model.metrics.per_clip import syncnet
from dheads_model.metrics.published_sync import PUBLISHED_SYNC
from dheads_model.metrics.registry import requested_metrics
from dheads_model.weights import read_weights_table


def measured(frames, folder):
    """The metric on a clip of moving noise with noise as sound."""
    asked = default_config()["metrics"] | {"syncnet": True}
    metrics = {"syncnet": requested_metrics(asked)["syncnet"]}
    generator = np.random.default_rng(0)
    video = generator.integers(0, 256, (frames, 32, 32, 3), dtype=np.uint8)
    audio = generator.integers(-3000, 3000, 640 * frames, dtype=np.int16)
    points, seen = np.ones((frames, 68, 2), np.float32), np.zeros(frames, bool)
    return measure_clip(video, video, audio, points, seen, points, False, metrics, str(folder))


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A folder with random weights in the place of the released ones, which the weights table names."""
    torch.manual_seed(0)
    path = tmp_path / syncnet.WEIGHTS
    torch.save(SyncNet().state_dict(), path)
    line = read_weights_table()[syncnet.WEIGHTS]
    known = replace(line, bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(weights_module, "read_weights_table", lambda table=None: {syncnet.WEIGHTS: known})
    syncnet._network.cache_clear()
    yield tmp_path
    syncnet._network.cache_clear()


def test_it_is_measured_only_on_request():
    assert "syncnet" not in requested_metrics(default_config()["metrics"])
    assert tuple(syncnet.METRIC.names()) == PUBLISHED_SYNC


def test_without_its_weights_every_column_says_what_to_run(tmp_path):
    found = measured(29, tmp_path)
    assert [one.metric for one in found] == list(PUBLISHED_SYNC)
    reason = "not computed: weights missing (snakemake --cores 1 resources/weights/syncnet_v2.model)"
    assert {(one.status, one.reason) for one in found} == {(NOT_COMPUTED, reason)}


def test_clips_of_a_word_are_long_enough_even_without_a_face_found(released):
    """29 frames as in LRW, 24 windows: no minimum track of 100 frames. 6 frames are the fewest."""
    found = {one.metric: one for one in measured(29, released)}
    assert list(found) == list(PUBLISHED_SYNC)
    for name in ("av_confidence", "lse_d", "av_confidence_valid", "lse_d_valid"):
        assert found[name].value > 0
    assert found["av_offset_saturated"].value == (found["av_offset"].value is None)
    assert {one.reason for one in measured(5, released)} == {"fewer than 6 frames"}
    assert measured(6, released)[1].value is not None


def test_another_file_is_never_opened(released):
    path = released / syncnet.WEIGHTS
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="size or sha256 differ"):
        measured(29, released)
