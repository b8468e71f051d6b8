"""The embedded corpus: layout, determinism, truth, and that real detectors and ears agree with it."""

import subprocess
import sys

import numpy as np
import pytest

from dheads_model.corpora.embedded.articulation import articulate, target_of
from dheads_model.corpora.embedded.clips import list_clips
from dheads_model.corpora.embedded.lips import gap_of, lip_rings
from dheads_model.corpora.embedded.motion import move
from dheads_model.corpora.embedded.speech import Speech, Voice, speak
from dheads_model.corpora.embedded.synthesise import speak_all, synthesise
from dheads_model.errors import UserError
from dheads_model.faces.detect import open_detector
from dheads_model.faces.landmarks import eye_distance
from dheads_model.media.audio import read_audio
from dheads_model.media.video import open_video
from dheads_model.metrics.signals import eye_aspect_ratio, loudness

SETTINGS = {"actors": 8, "clips_per_actor": 1, "validation_actors": 1, "test_actors": 1, "seed": 7}


@pytest.fixture(scope="module")
def spoken():
    clips = list_clips(SETTINGS)
    return list(zip(clips, speak_all(clips, 7), strict=True))


@pytest.fixture(scope="module")
def made(spoken, tmp_path_factory):
    """Two rendered clips: (clip, Synthesised, path)."""
    folder = tmp_path_factory.mktemp("flv")
    result = []
    for clip, speech in spoken[:2]:
        synthesised = synthesise(clip, speech, 7)
        path = folder / f"{clip.clip}.flv"
        path.write_bytes(synthesised.flv)
        result.append((clip, synthesised, path))
    return result


def test_speech_has_phonemes_in_order_inside_its_silence(spoken):
    for _, speech in spoken:
        starts = [start for start, _, _ in speech.phonemes]
        assert starts == sorted(starts)
        assert starts[0] >= 0.25
        assert speech.phonemes[-1][1] <= speech.seconds - 0.24
        assert not speech.samples[: speech.rate // 5].any()
        assert not [name for _, _, name in speech.phonemes if name and target_of(name)[0] is None]


def test_speech_does_not_depend_on_what_was_spoken_before(spoken):
    clips = [clip for clip, _ in spoken]
    for (_, speech), again in zip(spoken[:4], speak_all(clips[:4][::-1], 7)[::-1], strict=True):
        assert np.array_equal(speech.samples, again.samples)


def test_voices_differ(spoken):
    text = "It's eleven o'clock."
    low, high, slow = speak(
        [(text, Voice("en-us+m3", 150, 20)), (text, Voice("en-us+f2", 150, 70)), (text, Voice("en-us", 110, 50))], 0.1
    )
    assert not np.array_equal(low.samples[:5000], high.samples[:5000])
    assert slow.seconds > 1.15 * low.seconds


def test_lips_close_on_bilabials_and_open_on_vowels():
    phonemes = ((0.2, 0.5, "ˈɑː"), (0.5, 0.58, "m"), (0.58, 0.9, "ˈɑː"))
    tone = (8000 * np.sin(np.arange(22_050) / 20)).astype(np.int16)
    mouth = articulate(Speech(tone, 22_050, phonemes), np.arange(0, 1, 0.01))
    gap = gap_of(mouth.opening, mouth.teeth)
    assert gap[35] > 9
    assert gap[54] < 1.0
    assert gap[75] > 9
    assert gap[2] < 0.2


def test_lip_rings_meet_when_closed_and_round_when_rounded():
    closed = lip_rings(0, 0, 1, 0, 1, 1)
    np.testing.assert_allclose(closed[2], closed[3])
    rounded, wide = lip_rings(0.3, -1, 0, 0, 1, 1), lip_rings(0.3, 1, 0, 0, 1, 1)
    assert np.ptp(rounded[0, :, 0]) < 0.7 * np.ptp(wide[0, :, 0])
    assert (lip_rings(1, 0, 0, 0, 1, 1)[3, 5] - lip_rings(1, 0, 0, 0, 1, 1)[2, 5])[1] > 14


def test_blinks_come_at_human_rate_and_last_as_long():
    times = np.arange(0, 600, 1 / 29.97)
    motion = move(times, np.random.default_rng(0))
    assert 0.18 < len(motion.blinks) / 600 < 0.36
    durations = [end - start for start, end in motion.blinks]
    assert min(durations) > 0.15
    assert max(durations) < 0.4
    assert motion.blink.max() == 1
    assert motion.yaw.std() > 0.01


def test_clips_are_as_crema_d_has_them(made):
    for _, synthesised, path in made:
        video = open_video(path)
        assert (video.facts.width, video.facts.height) == (480, 360)
        assert video.facts.fps == pytest.approx(29.97, abs=0.01)
        assert (video.facts.audio_rate, video.facts.audio_channels) == (44_100, 1)
        assert video.facts.video_codec == "flv"
        assert len(video.times) == len(synthesised.frames["frame"])


def test_bytes_depend_on_seed_and_clip_only(spoken, made):
    clip, speech = spoken[1]
    assert synthesise(clip, speech, 7).flv == made[1][1].flv
    assert synthesise(clip, speech, 8).flv != made[1][1].flv


def test_the_library_never_imports_the_synthesiser():
    code = (
        "import sys; from dheads_model.corpora.embedded import synthesise;"
        "assert 'espeakng_loader' not in sys.modules;"
        "assert not [m for m in sys.modules if m.endswith('speak_espeak')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_synthesiser_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError('gone')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UserError, match="pip install espeakng-loader"):
        speak([("Hello.", Voice("en-us", 150, 50))], 0.1)


@pytest.mark.slow
def test_a_real_detector_tracks_the_faces_and_agrees_with_the_truth(made):
    detector = open_detector("mediapipe", 1)
    for _, synthesised, path in made:
        faces = list(detector(open_video(path).chunks()))
        assert np.mean([len(one) == 1 for one in faces]) >= 0.99
        points = np.stack([one[0] for one in faces])
        gap = np.linalg.norm(points[:, 66] - points[:, 62], axis=1)
        truth = synthesised.frames["lip_gap"]
        assert np.corrcoef(gap, truth)[0, 1] > 0.85
        assert np.median(eye_distance(points)) > 50
        blink = synthesised.frames["blink"]
        if blink.max() > 0.9:
            ratio = eye_aspect_ratio(points)
            assert ratio[blink > 0.8].mean() < 0.6 * ratio[blink < 0.1].mean()


@pytest.mark.slow
def test_the_mouth_follows_the_sound_of_the_file(made):
    for _, synthesised, path in made:
        times = synthesised.frames["time"]
        video = open_video(path)
        count = int((times[-1]) * 25)
        level = loudness(read_audio(path, float(video.times[0]), count))
        gap = np.interp(np.arange(count) / 25, times, synthesised.frames["lip_gap"])
        assert np.corrcoef(gap, level)[0, 1] > 0.5
