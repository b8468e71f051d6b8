"""The log filterbank: what python_speech_features gives, on the clock of the frames."""

import numpy as np
import pytest
from python_speech_features import fbank

from dheads_model.media.features import log_filterbank


@pytest.mark.parametrize("border", [640, 1280])
def test_an_impulse_at_a_frame_border_lights_the_frame_it_belongs_to(border):
    for at in range(border - 4, border + 4):
        samples = np.zeros(1920, np.int16)
        samples[at] = 20_000
        assert np.exp(log_filterbank(samples).astype(float)).sum(axis=1).argmax() // 4 == at // 640, f"sample {at}"


def test_the_first_and_last_samples_light_the_first_and_last_columns():
    for at, column in ((0, 0), (1919, 11)):
        samples = np.zeros(1920, np.int16)
        samples[at] = 20_000
        assert np.exp(log_filterbank(samples).astype(float)).sum(axis=1).argmax() == column


def test_values_are_those_of_python_speech_features():
    samples = (np.random.default_rng(0).normal(size=6400) * 3000).astype(np.int16)
    # Windows of the package begin at their sample; ours begin 120 samples earlier, so that they are centred.
    padded = np.concatenate([np.zeros(120), samples / 32768, np.zeros(120)])
    theirs = np.log(fbank(padded, 16_000, nfilt=80, nfft=512, winfunc=np.hanning)[0])
    ours = log_filterbank(samples)
    assert ours.shape == (40, 80)
    assert ours.dtype == np.float32
    assert ours == pytest.approx(np.maximum(theirs, np.log(1e-8)), abs=1e-4)


def test_a_tone_lights_its_band_and_louder_is_more():
    time = np.arange(6400) / 16_000
    low, high = (
        log_filterbank((8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16))[20] for hertz in (300, 4000)
    )
    assert low.argmax() < 20 < 50 < high.argmax()
    quiet = log_filterbank((800 * np.sin(2 * np.pi * 4000 * time)).astype(np.int16))[20]
    assert high.max() - quiet.max() == pytest.approx(np.log(100), abs=0.01)
