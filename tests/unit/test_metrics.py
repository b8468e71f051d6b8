"""Metrics against closed forms, and their refusals."""

import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.metrics import blinks, fidelity, landmark_distance, signals, smoothness
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.measurement import Measurement
from tests.factories.faces import landmarks
from tests.factories.media import picture


def constant(value, count=4, size=128):
    return np.full((count, size, size, 3), value, np.uint8)


def test_psnr_of_known_errors():
    assert fidelity.psnr(constant(100), constant(110)) == pytest.approx(10 * np.log10(255**2 / 100))
    assert fidelity.psnr(constant(7), constant(7)) == fidelity.PSNR_CAP
    half = np.concatenate([constant(0, 2), constant(255, 2)])
    assert fidelity.psnr(half, constant(0)) == pytest.approx((100 + 100 + 0 + 0) / 4)
    with pytest.raises(ValueError, match="one shape"):
        fidelity.psnr(constant(1), constant(1, 3))


def test_ssim_of_shifted_constants_has_a_closed_form():
    a, b, c1 = 100.0, 140.0, (0.01 * 255) ** 2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert fidelity.ssim(constant(100), constant(140)) == pytest.approx(expected, abs=1e-9)
    assert fidelity.ssim(constant(9), constant(9)) == pytest.approx(1.0)


# By the PyPI package pytorch-msssim 1.0.0 in float64, on the pictures of test_sharpness.
MS_SSIM = {
    ("face 256, blurred 0", "face 256, blurred 2"): 0.985025,
    ("face 201, blurred 0", "face 201, blurred 3"): 0.974373,
    ("waves 176, blurred 0", "waves 176, blurred 3"): 0.658215,
}


@pytest.mark.parametrize("pair", MS_SSIM)
def test_ms_ssim_is_that_of_another_implementation(pair):
    a, b = (picture(name)[None] for name in pair)
    assert fidelity.ms_ssim(a, b) == pytest.approx(MS_SSIM[pair], abs=1e-5)
    assert fidelity.ms_ssim(a, a) == pytest.approx(1)


def test_ms_ssim_is_not_defined_for_small_pictures():
    assert fidelity.ms_ssim(constant(9, size=160), constant(9, size=160)) is None
    assert fidelity.ms_ssim(constant(9, size=161), constant(9, size=161)) == pytest.approx(1)
    assert measured()["ms_ssim"].reason == "pictures of 128 pixels are too small, it needs 161"


def test_frame_difference_does_not_wrap_and_the_published_one_does():
    for step, published in ((5, 25), (15, 225), (16, 0), (20, 144), (100, 16)):
        video = np.concatenate([constant(0, 1), constant(step, 1)])
        assert smoothness.frame_difference(video) == pytest.approx(step**2)
        assert smoothness.published_frame_difference(video) == pytest.approx(published)
    assert smoothness.frame_difference(constant(50)) == 0


def test_optical_flow_of_a_still_and_of_a_moving_picture():
    picture = astronaut()[:200, 150:350]
    still = np.stack([picture[:128, :128]] * 3)
    moving = np.stack([picture[:128, 2 * i : 128 + 2 * i] for i in range(3)])
    assert smoothness.optical_flow(still) == smoothness.frame_difference(still) == 0
    assert smoothness.optical_flow(moving) == pytest.approx(2.0, abs=0.5)
    assert 42.6 <= smoothness.published_optical_flow(constant(80)) <= 170.4
    with pytest.raises(ValueError, match="two"):
        smoothness.optical_flow(still[:1])


def test_landmark_distances():
    reference = landmarks(3)
    moved = reference + [3, 4]
    assert landmark_distance.face_distance(moved, reference) == pytest.approx(5)
    assert landmark_distance.mouth_distance(moved, reference) == pytest.approx(0, abs=1e-9)
    assert landmark_distance.vico_distance(moved, reference) == pytest.approx(3.5), "in place, (3 + 4) / 2"
    assert landmark_distance.fomm_distance(moved, reference, 128) == pytest.approx(7), "at 256 pixels"
    open_mouth = reference.copy()
    open_mouth[:, 66, 1] += 20
    expected = (19 + 19 * 1) / 20  # the mouth's centre goes down by 1, one point by 19 more than it
    assert landmark_distance.mouth_distance(open_mouth, reference) == pytest.approx(expected)
    assert landmark_distance.atvgnet_distance(open_mouth, reference) == pytest.approx(20 * expected)
    assert landmark_distance.vico_distance(open_mouth, reference) == pytest.approx(20 / 40)
    assert landmark_distance.fomm_distance(open_mouth, reference, 256) == pytest.approx(20 / 136)


def test_eye_aspect_ratio_and_mouth_opening_of_a_drawn_face():
    face = landmarks(1)
    assert signals.eye_aspect_ratio(face)[0] == pytest.approx(6 / 10)
    face[0, 62], face[0, 66] = [60, 80], [60, 86]
    assert signals.mouth_opening(face)[0] == pytest.approx(6 / 30)


def test_loudness_of_known_sounds():
    sound = np.concatenate([np.zeros(640), np.full(640, 32767), np.full(640, 3277)]).astype(np.int16)
    assert signals.loudness(sound) == pytest.approx([-60, 0, -20], abs=0.01)


def test_a_mouth_that_follows_the_sound_scores_one_and_a_still_one_zero():
    level = -30 + 10 * np.sin(np.arange(60) / 4)
    follows = 0.1 + 0.005 * (level + 40)
    assert signals.mouth_audio_correlation(follows, level) == pytest.approx(1)
    assert signals.mouth_audio_correlation(-follows, level) == pytest.approx(-1)
    jitter = 0.1 + np.random.default_rng(0).normal(0, 0.001, 60)
    assert signals.mouth_audio_correlation(jitter, level) == 0.0
    assert signals.mouth_audio_correlation(follows, np.full(60, -60.0)) is None


def test_a_mouth_that_opens_as_the_true_one_scores_one_and_a_still_one_zero():
    truth = 0.1 + 0.05 * np.sin(np.arange(60) / 4)
    assert signals.mouth_truth_correlation(0.02 + 0.5 * truth, truth) == pytest.approx(1)
    assert signals.mouth_truth_correlation(0.3 - truth, truth) == pytest.approx(-1)
    jitter = 0.1 + np.random.default_rng(0).normal(0, 0.001, 60)
    assert signals.mouth_truth_correlation(jitter, truth) == 0.0
    assert signals.mouth_truth_correlation(truth, jitter) is None


@pytest.mark.parametrize("lag", [-4, -3, 0, 2, 4])
def test_the_lag_is_how_much_later_the_mouth_comes(lag):
    level = np.random.default_rng(1).normal(-30, 8, 90)
    opening = 0.2 + 0.01 * (np.roll(level, lag) + 30)
    assert signals.mouth_audio_lag(opening, level) == (lag, "")


def test_a_lag_at_the_edge_or_of_a_still_mouth_is_refused():
    level = np.random.default_rng(1).normal(-30, 8, 90)
    for lag in (-5, 5):
        opening = 0.2 + 0.01 * (np.roll(level, lag) + 30)
        assert signals.mouth_audio_lag(opening, level) == (None, "the best of 11 lags is at their edge")
    assert signals.mouth_audio_lag(np.full(90, 0.2), level) == (None, "a still mouth")
    assert signals.mouth_audio_lag(opening, np.full(90, -60.0)) == (None, "sound that does not vary")
    assert signals.mouth_audio_lag(opening[:14], level[:14]) == (None, "fewer than 15 frames")


def speechlike(generator, count):
    """A curve with bumps of some frames, as syllables make them."""
    return np.convolve(generator.normal(size=count + 20), np.hanning(7), "same")[10:-10]


@pytest.mark.parametrize("count", [29, 75])
def test_unrelated_curves_have_no_lag(count):
    generator = np.random.default_rng(0)
    pairs = [(speechlike(generator, count), speechlike(generator, count)) for _ in range(300)]
    found = [signals.mouth_audio_lag(opening, level)[0] for opening, level in pairs]
    assert np.mean([lag is not None for lag in found]) < 0.05 + 0.025  # two standard errors of 300 draws
    follows = [signals.mouth_audio_lag(np.roll(level, 1) + 0.3 * opening, level)[0] for opening, level in pairs]
    assert np.mean([lag == 1 for lag in follows]) > 0.9


def turned(points, yaw=0.0, pitch=0.0, roll=0.0, near=1.0, shift=(0.0, 0.0)):
    """Landmarks [68, 2] of a face of which the tip of the nose stands out by half an eye distance; angles in radians."""
    depth = np.zeros(68)
    depth[30] = 15.0
    x, y, z = *(points - points[36:48].mean(axis=0)).T, depth
    x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
    y = y * np.cos(pitch) + z * np.sin(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    return near * np.stack([x, y], axis=1) + points[36:48].mean(axis=0) + shift


def test_head_motion_of_a_still_and_a_swaying_head():
    face, sway = landmarks(1)[0], np.sin(np.arange(50) / 5)
    assert signals.head_motion(landmarks(50)) == pytest.approx(0, abs=1e-12)
    moved = np.stack([turned(face, shift=(3 * s, 0)) for s in sway])
    assert signals.head_motion(moved) == pytest.approx(3 * sway.std() / 30)
    near = np.stack([turned(face, near=1 + 0.1 * s) for s in sway])
    assert signals.head_motion(near) == pytest.approx((1 + 0.1 * sway).std() / np.median(1 + 0.1 * sway))
    tilted = np.stack([turned(face, roll=0.1 * s) for s in sway])
    assert signals.head_motion(tilted) == pytest.approx((0.1 * sway).std(), rel=1e-3)


@pytest.mark.parametrize("angle", ["yaw", "pitch"])
def test_a_head_that_turns_moves_by_about_the_way_of_its_nose(angle):
    face, sway = landmarks(1)[0], np.sin(np.arange(50) / 5)
    turning = np.stack([turned(face, **{angle: 0.2 * s}) for s in sway])
    assert signals.head_motion(turning) == pytest.approx(0.5 * np.sin(0.2 * sway).std(), rel=0.1)


def test_speech_and_blinks_do_not_move_the_head():
    talking = landmarks(50)
    moves = np.setdiff1d(np.arange(68), [30, 36, 39, 42, 45])
    talking[:, moves] += np.random.default_rng(0).normal(0, 3, (50, len(moves), 2))
    assert signals.head_motion(talking) == pytest.approx(0, abs=1e-12)


def eyes(closures, count=75, noise=0.003):
    ratio = np.full(count, 0.30)
    for start, length in closures:
        ratio[start : start + length] = 0.05
    return ratio + np.random.RandomState(0).normal(0, noise, count)


def test_blinks_are_found_as_the_named_detector_finds_them():
    assert blinks.find_blinks(eyes([], noise=0)) == []
    assert blinks.find_blinks(eyes([(30, 3)], noise=0)) == [(29, 74)]
    assert blinks.find_blinks(eyes([(30, 3)])) == [(28, 36)]
    found = blinks.find_blinks(eyes([(20, 4), (60, 3)]))
    assert len(found) == 2
    assert found[0][0] in (18, 19)
    slow = np.full(75, 0.30)
    slow[30:37] = np.linspace(0.30, 0.05, 7)
    slow[37:44] = np.linspace(0.05, 0.30, 7)
    assert blinks.find_blinks(slow) == [], "the rule is one of speed: a slow closing is missed"


def measured(**changes):
    video = np.stack([np.roll(astronaut()[:128, 160:288], i, axis=1) for i in range(20)])
    arguments = {
        "frames": video, "reference": video, "audio": (np.random.default_rng(0).normal(size=640 * 20) * 999).astype(np.int16),
        "landmarks": landmarks(20), "seen": np.ones(20, bool), "reference_landmarks": landmarks(20), "is_reference": False,
    }  # fmt: skip
    return {m.metric: m for m in measure_clip(**(arguments | changes))}


def test_every_metric_answers_or_says_why_not():
    found = measured()
    assert found["psnr"].value == fidelity.PSNR_CAP
    assert found["mouth_audio_correlation"].value == 0.0
    assert found["mouth_truth_correlation"].reason == "the true mouth does not move"
    talking = landmarks(20)
    talking[:, 66, 1] += 3 * np.sin(np.arange(20))
    follows = measured(landmarks=talking, reference_landmarks=talking)
    assert follows["mouth_truth_correlation"].value == pytest.approx(1)
    assert measured(reference_landmarks=talking)["mouth_truth_correlation"].value == 0.0
    assert found["blink_duration"].status == "undefined"
    assert found["blink_duration"].reason == "no blink"
    truth = measured(is_reference=True)
    assert truth["psnr"].status == truth["ssim"].status == "not_applicable"
    assert set(truth) == set(found)


def test_without_a_face_nothing_is_made_up():
    seen = np.zeros(20, bool)
    seen[:10] = True
    found = measured(seen=seen)
    assert found["lmd_mouth"].value is None
    assert found["lmd_mouth"].reason == "a face was found in 10 of 20 frames"
    assert found["psnr"].value is not None


def test_a_value_needs_the_status_ok():
    with pytest.raises(ValueError, match="does not fit"):
        Measurement("x", None)
    with pytest.raises(ValueError, match="does not fit"):
        Measurement("x", float("nan"))


def closing(*falls_and_starts):
    """Open eyes that fall by `fall` from frame `start` to the next, and open again within two frames."""
    ratio = np.full(40, 0.3)
    for fall, start in falls_and_starts:
        ratio[start + 1] -= fall
    return ratio


def test_the_speed_from_which_a_closing_is_a_blink():
    # 0.072 from a frame to the next: the named detector's number, at its 25 frames a second.
    assert len(blinks.find_blinks(closing((0.0725, 20)))) == 1
    assert blinks.find_blinks(closing((0.0715, 20))) == []


def test_how_near_two_blinks_can_be():
    # Onsets 4 frames apart are two blinks, 3 apart only the faster one.
    assert len(blinks.find_blinks(closing((0.10, 20), (0.12, 24)))) == 2
    assert len(blinks.find_blinks(closing((0.10, 20), (0.12, 23)))) == 1
