import numpy as np
import pytest
import torch

from dheads_model.media.features import log_filterbank
from dheads_model.network.audio_encoder import AudioEncoder
from tests.factories.networks import SMALL


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return AudioEncoder(SMALL).eval()


def test_one_embedding_a_frame(encoder):
    assert encoder(torch.randn(3, 5, 4, 80)).shape == (3, 5, 6)


@pytest.mark.parametrize("shape", [(3, 4, 4, 80), (3, 5, 4, 79), (3, 5, 3, 80)])
def test_other_windows_are_refused(encoder, shape):
    with pytest.raises(ValueError, match=r"features must be \[B, 5, 4, 80\]"):
        encoder(torch.randn(shape))


def test_embeddings_see_their_frame_and_its_neighbours(encoder):
    features = torch.full((1, 5, 4, 80), -13.0)
    changed = features.clone()
    changed[0, 2] += 8
    with torch.no_grad():
        change = (encoder(changed) - encoder(features)).abs().amax(dim=(0, 2))
    assert change.argmax() == 2
    assert change[1] > 0
    assert change[3] > 0


def test_speech_comes_in_at_about_unit_scale(encoder):
    samples = (3000 * np.random.default_rng(0).standard_normal(640 * 50)).astype(np.int16)
    features = torch.from_numpy(log_filterbank(samples))
    scaled = (features - encoder.level) / encoder.spread
    assert scaled.abs().mean() < 3
    silence = torch.from_numpy(log_filterbank(np.zeros(640, np.int16)))
    assert ((silence - encoder.level) / encoder.spread).abs().max() < 3


def test_louder_sound_and_a_higher_level_cancel_out(encoder):
    features = torch.randn(1, 5, 4, 80)
    with torch.no_grad():
        expected = encoder(features)
        encoder.level += 2
        encoder.spread *= 3
        torch.testing.assert_close(encoder(3 * (features + 13) - 11), expected, atol=1e-5, rtol=0)


def test_scaling_is_stored_with_the_weights(encoder):
    assert {"level", "spread"} <= set(encoder.state_dict())
