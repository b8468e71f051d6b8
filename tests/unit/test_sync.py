"""A flash and a click that happen together stay together within half an output frame, whatever the input's clock."""

import numpy as np
import pytest

from dheads_model.media.audio import read_audio
from dheads_model.media.clock import FRAMES_PER_SECOND, SAMPLE_RATE, frame_grid, nearest_frames
from dheads_model.media.video import open_video
from tests.media_fixtures import write_media

FLASH = 31


def steady(fps, start=0.0, count=75):
    return [start + number / fps for number in range(count)]


def variable(start, count=75):
    steps = np.random.default_rng(3).uniform(0.02, 0.06, count)
    return list(start + np.concatenate([[0], np.cumsum(steps)[:-1]]))


@pytest.mark.parametrize(
    ("name", "times", "codec", "audio_codec", "audio_start"),
    [
        ("25.mp4", steady(25), "libx264", "aac", 0.0),
        ("29_97.mp4", steady(30000 / 1001), "libx264", "aac", 0.0),
        ("30.mkv", steady(30), "libx264", "aac", 0.0),
        ("29_97.flv", steady(30000 / 1001), "flv", "libmp3lame", 0.0),
        ("late_video.mkv", steady(30, start=0.5), "libx264", "aac", 0.0),
        ("late_sound.mkv", steady(25), "libx264", "aac", 0.3),
        ("variable.mkv", variable(0.2), "libx264", "aac", 0.1),
        ("variable.mp4", variable(0.0), "libx264", "aac", 0.0),
        ("25.avi", steady(25), "mpeg4", "libmp3lame", 0.0),
    ],
)
def test_flash_and_click_stay_together(tmp_path, name, times, codec, audio_codec, audio_start):
    path = write_media(
        tmp_path / name, times, FLASH, click=times[FLASH], codec=codec, audio_codec=audio_codec, audio_start=audio_start
    )
    video = open_video(path)
    grid = frame_grid(float(video.times[0]), video.end)
    chosen = nearest_frames(video.times, grid)
    frames = np.concatenate(list(video.chunks()))[chosen]
    sound = read_audio(path, float(video.times[0]), len(grid))
    brightness = frames.reshape(len(frames), -1).mean(axis=1)
    bright = np.flatnonzero(brightness > 0.6 * brightness.max())
    click = np.argmax(np.abs(sound.astype(int)) > 6000) / SAMPLE_RATE
    assert len(sound) == 640 * len(grid)
    assert len(bright), "the flash was dropped"
    # The flash is shown from its output frame's time on; half a frame is 20 ms, and a codec's block may ring before it.
    assert abs(bright[0] / FRAMES_PER_SECOND - click) <= 0.5 / FRAMES_PER_SECOND + 0.004


def test_every_output_frame_is_within_half_a_source_frame():
    source = np.array(steady(30000 / 1001, count=90))
    grid = frame_grid(0.0, source[-1] + 1 / 30)
    assert np.abs(source[nearest_frames(source, grid)] - grid).max() <= 0.5 * 1001 / 30000 + 1e-9


def test_grid_counts_whole_frames_and_forgives_rounded_times():
    assert len(frame_grid(0.0, 3.0)) == 75
    assert len(frame_grid(0.0, 2.998)) == 75
    assert len(frame_grid(0.0, 2.97)) == 74
    assert len(frame_grid(1.0, 1.01)) == 0


def test_nearest_frame_prefers_the_earlier_at_a_tie_and_refuses_nothing():
    assert nearest_frames([0.0, 0.1], [0.05, 0.0501]).tolist() == [0, 1]
    assert nearest_frames([0.5], [0.0, 9.0]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="no source frames"):
        nearest_frames([], [0.0])
