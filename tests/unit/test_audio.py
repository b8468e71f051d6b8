"""Sound lands on the sample where the container's clock puts it, whatever its rate, layout and gaps."""

from fractions import Fraction

import av
import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.media.audio import load_speech, loudest_frame_dbfs, read_audio, read_wav
from tests.media_fixtures import write_media


def sweep(rate, seconds=1.0):
    """A tone that rises from 200 to 3000 Hz, int16."""
    time = np.arange(round(rate * seconds)) / rate
    return (16_000 * np.sin(2 * np.pi * (200 * time + 1400 * time**2 / seconds))).astype(np.int16)


def write_sound(path, pieces, rate=16_000, layout="mono", codec="pcm_s16le", packet=1024):
    """Write int16 pieces [(start in seconds, samples)], the same in each channel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        for start, samples in pieces:
            channels = np.repeat(samples[:, None], stream.channels, axis=1).reshape(1, -1)
            resampler = av.AudioResampler(stream.codec_context.format, layout, rate, stream.frame_size or packet)
            frame = av.AudioFrame.from_ndarray(channels, format="s16", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start * rate)
            for ready in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


def lag(found, expected):
    """By how many samples `found` is late, to an eighth of a sample."""
    size = 1 << 16
    spectrum = np.fft.rfft(found.astype(float), size) * np.conj(np.fft.rfft(expected.astype(float), size))
    peak = int(np.argmax(np.fft.irfft(np.concatenate([spectrum, np.zeros(size * 7 // 2)]), size * 8)))
    return (peak - size * 8 if peak > size * 4 else peak) / 8


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_no_rate_or_layout_moves_or_scales_the_sound(tmp_path, rate, layout):
    path = write_sound(tmp_path / "a.mkv", [(0.0, sweep(rate, 2.0))], rate, layout)
    found = read_audio(path, 0.0, 50)
    assert found.shape == (32_000,)
    assert abs(lag(found, sweep(16_000, 2.0))) <= 0.25
    middle = slice(4_000, 20_000)
    assert np.std(found[middle]) == pytest.approx(np.std(sweep(16_000, 2.0)[middle].astype(float)), rel=0.02)


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_u8", "pcm_s24le", "flac", "libopus", "aac", "libmp3lame", "ac3"])
def test_no_sample_format_or_codec_moves_the_sound(tmp_path, codec):
    path = write_sound(tmp_path / "a.mkv", [(0.0, sweep(48_000, 2.0))], 48_000, "stereo", codec)
    assert abs(lag(read_audio(path, 0.0, 50), sweep(16_000, 2.0))) <= 1


def test_gaps_become_silence_and_small_slips_do_not(tmp_path):
    tone = np.full(16_000, 8_000, np.int16)
    found = read_audio(write_sound(tmp_path / "gap.mkv", [(0.1, tone), (1.5, tone)]), 0.0, 75)
    loud = np.abs(found.astype(int)) > 4_000
    edges = np.flatnonzero(np.diff(loud.astype(int))) / 16_000
    assert edges == pytest.approx([0.1, 1.1, 1.5, 2.5], abs=0.001)
    found = read_audio(write_sound(tmp_path / "slip.mkv", [(0.0, tone), (1.01, tone)]), 0.0, 50)
    assert (np.abs(found[:31_000].astype(int)) > 4_000).all()


def test_where_pieces_overlap_the_later_one_counts(tmp_path):
    pieces = [(0.0, np.full(16_000, 8_000, np.int16)), (0.5, np.full(16_000, -8_000, np.int16))]
    found = read_audio(write_sound(tmp_path / "a.mkv", pieces, packet=16_000), 0.0, 50)
    assert (found[1_000:7_900] > 7_000).all()
    assert (found[8_200:23_000] < -7_000).all()


@pytest.mark.parametrize("start", [-0.5, 0.3, 0.30003, 1.9, 5.0])
def test_the_cut_begins_at_the_asked_time(tmp_path, start):
    path = write_sound(tmp_path / "a.mkv", [(0.0, sweep(16_000, 2.0))])
    found = read_audio(path, start, 25)
    first = round(start * 16_000)
    whole = np.concatenate([np.zeros(16_000, np.int16), sweep(16_000, 2.0), np.zeros(90_000, np.int16)])
    assert (found == whole[16_000 + first : 32_000 + first]).all()


def test_sound_that_changes_its_layout_on_the_way_is_read_on(tmp_path):
    content = b"".join(
        write_sound(tmp_path / f"{layout}.aac", [(0.0, sweep(44_100))], 44_100, layout, "aac").read_bytes()
        for layout in ("stereo", "mono")
    )
    (tmp_path / "both.aac").write_bytes(content)
    found = load_speech(tmp_path / "both.aac")
    assert len(found) == pytest.approx(32_000, abs=3_000)
    assert loudest_frame_dbfs(found[:14_000]) == pytest.approx(loudest_frame_dbfs(found[-14_000:]), abs=1.0)


def test_long_sound_does_not_drift(tmp_path):
    samples = np.zeros(44_100 * 60, np.int16)
    clicks = np.arange(1, 60) * 44_100
    for width in range(40):
        samples[clicks + width] = 20_000
    found = read_audio(write_sound(tmp_path / "a.mkv", [(0.0, samples)], 44_100, codec="aac"), 0.0, 1500)
    loud = np.flatnonzero(np.abs(found.astype(int)) > 6_000)
    starts = loud[np.concatenate([[True], np.diff(loud) > 1_000])]
    assert starts == pytest.approx(np.arange(1, 60) * 16_000, abs=8)


def test_the_length_is_right_for_real_clips(samples):
    for path in sorted(samples.glob("video/grid/*"))[:3]:
        found = read_audio(path, 0.0, 75)
        assert found.shape == (48_000,)
        assert found[40_000:46_000].any()
    assert not read_audio(samples / "video/negative/silent_liveportrait_d18.mp4", 0.0, 100).any()


def test_speech_begins_with_its_first_sample_wherever_that_is(tmp_path):
    path = write_media(tmp_path / "late.mkv", [0.0, 0.04, 0.08], 1, click=0.5, audio_start=0.4, audio_codec="pcm_s16le")
    assert np.argmax(np.abs(load_speech(path).astype(int)) > 5_000) / 16_000 == pytest.approx(0.1, abs=0.002)


def test_a_missing_wav_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.wav is not there"):
        read_wav(tmp_path / "none.wav")
