"""Videos of other methods as rows: what is fitted, what is refused; and the true video of another clip as a baseline."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from dheads_model.errors import ClipFailed, UserError
from dheads_model.manifest import read_manifest
from dheads_model.media.adopted import MOST_MISSING, fit_video
from dheads_model.media.audio import load_speech
from dheads_model.media.encode import write_video
from dheads_model.media.video import decode_video
from dheads_model.stages.reference import another, reference_frames
from tests.factories.shards import pack
from tests.media_fixtures import write_media
from tests.workflow import call
from workflow_scripts import adopt_videos, copy_reference


def grey(levels, size=64):
    """Frames of one grey each."""
    return np.repeat(np.array(levels, np.uint8), size * size * 3).reshape(len(levels), size, size, 3)


def level(frames):
    return frames.mean(axis=(1, 2, 3))


def test_a_video_of_the_clips_length_is_taken_frame_by_frame(tmp_path):
    write_video(tmp_path / "v.mp4", grey(range(40, 240, 10)), np.zeros(640 * 20, np.int16))
    frames, facts = fit_video(tmp_path / "v.mp4", 20)
    assert level(frames) == pytest.approx(np.arange(40, 240, 10), abs=2)
    assert facts == {"source_fps": 25.0, "source_size": 64, "repeated": 0}


def test_a_longer_video_is_cut_and_a_shorter_one_ends_still(tmp_path):
    write_video(tmp_path / "v.mp4", grey(range(40, 240, 10)), np.zeros(640 * 20, np.int16))
    assert level(fit_video(tmp_path / "v.mp4", 12)[0]) == pytest.approx(np.arange(40, 160, 10), abs=2)
    frames, facts = fit_video(tmp_path / "v.mp4", 20 + MOST_MISSING)
    assert level(frames)[20:] == pytest.approx([230] * MOST_MISSING, abs=2)
    assert facts["repeated"] == MOST_MISSING
    with pytest.raises(ClipFailed, match="lasts 20 frames at 25 frames per second, the clip 26"):
        fit_video(tmp_path / "v.mp4", 21 + MOST_MISSING)


def test_another_frame_rate_keeps_the_time(tmp_path):
    times = [number / 30 for number in range(60)]
    write_media(tmp_path / "v.mp4", times, flash=36, click=0.5, size=(128, 128))
    frames, facts = fit_video(tmp_path / "v.mp4", 50)
    assert int(np.argmax(level(frames))) == 30, "the flash at 1.2 s"
    assert facts["repeated"] == 0


def test_a_video_that_is_not_square_is_refused(tmp_path):
    write_media(tmp_path / "v.mp4", [number / 25 for number in range(30)], flash=3, click=0.5)
    with pytest.raises(ClipFailed, match=r"is 160 x 120; it must show what the clip's crop shows"):
        fit_video(tmp_path / "v.mp4", 30)


def adopt(tmp_path, shard, source):
    manifest = tmp_path / "videos/theirs/toy/00000.json"
    call(
        adopt_videos.main, subset=None, shard=shard, method="theirs", settings={"kind": "videos", "path": str(source)},
        videos_folder=str(manifest.parent), manifest=str(manifest),
    )  # fmt: skip
    return manifest


def test_found_videos_are_rows_and_missing_ones_are_told(tmp_path):
    shard = pack(tmp_path, split="test")
    source = tmp_path / "theirs"
    source.mkdir()
    with pytest.raises(
        UserError, match=r"has none of the 2 clips of shard 00000; name videos by clip, for instance a_1\.m"
    ):
        adopt(tmp_path, shard, source)
    write_video(source / "b_1.mp4", grey(range(100, 200, 10)), np.full(6400, 9000, np.int16))
    manifest = adopt(tmp_path, shard, source)
    outcomes = {one.clip: one for one in read_manifest(manifest).clips}
    assert (outcomes["a_1"].status, outcomes["a_1"].reason) == ("failed", "missing_file")
    assert outcomes["b_1"].status == "ok"
    frames = decode_video(manifest.parent / "b_1.mp4")
    assert frames.shape == (8, 32, 32, 3), "at the size and length of the clip"
    assert level(frames) == pytest.approx(np.arange(100, 180, 10), abs=3)
    assert np.abs(load_speech(manifest.parent / "b_1.mp4")).std() > 100, "the clip's sound, which is noise, not theirs"
    (source / "toy").mkdir()
    (source / "b_1.mp4").rename(source / "toy/b_1.mp4")
    assert adopt(tmp_path, shard, source).is_file()
    (source / "toy/b_1.avi").touch()
    with pytest.raises(UserError, match=r"has two videos of clip b_1, b_1\.avi and b_1\.mp4"):
        adopt(tmp_path, shard, source)


def clip(name, speaker, transcript, count=4, value=0):
    return SimpleNamespace(
        clip=name, speaker=speaker, transcript=transcript, frames=grey(range(value, value + count), 8)
    )


def test_another_clip_says_something_else_by_the_same_mouth_if_it_can():
    clips = [clip("a1", "a", "yes"), clip("b1", "b", "no"), clip("a2", "a", "yes"), clip("a3", "a", "no")]
    assert another(clips, 0).clip == "a3"
    assert another(clips, 1).clip == "a2", "nobody else speaks as b does"
    assert another(clips, 3).clip == "a1"
    assert another(clips[::2], 0).clip == "a2", "better the same words than nothing"
    with pytest.raises(ClipFailed, match="its shard has no other clip"):
        another(clips[:1], 0)


def test_a_shorter_other_clip_goes_back_and_forth():
    clips = [clip("a", "a", "", count=8, value=100), clip("b", "b", "", count=3, value=10)]
    frames = reference_frames(clips, 0, "ground_truth_of_another")
    assert level(frames).tolist() == [10, 11, 12, 11, 10, 11, 12, 11]
    assert level(reference_frames(clips, 1, "ground_truth_of_another")).tolist() == [100, 101, 102]


def test_the_baselines_are_written_with_the_clips_own_sound(tmp_path):
    shard = pack(tmp_path, split="test")
    manifest = tmp_path / "videos/other/toy/00000.json"
    call(
        copy_reference.main, subset=None, shard=shard, settings={"kind": "ground_truth_of_another"},
        videos_folder=str(manifest.parent), manifest=str(manifest),
    )  # fmt: skip
    truth = tmp_path / "videos/truth/toy/00000.json"
    call(
        copy_reference.main, subset=None, shard=shard, settings={"kind": "ground_truth"},
        videos_folder=str(truth.parent), manifest=str(truth),
    )  # fmt: skip
    assert [one.status for one in read_manifest(manifest).clips] == ["ok", "ok"]
    mixed, own, theirs = (
        decode_video(place / name) for place, name in
        ((manifest.parent, "a_1.mp4"), (truth.parent, "a_1.mp4"), (truth.parent, "b_1.mp4"))
    )  # fmt: skip
    assert mixed.shape == own.shape
    assert cv2.PSNR(mixed[0], theirs[0]) > 30 > cv2.PSNR(mixed[0], own[0])
    np.testing.assert_array_equal(load_speech(manifest.parent / "a_1.mp4"), load_speech(truth.parent / "a_1.mp4"))
