"""The command that takes in a folder's clips: what it accepts, what it rejects and by which name."""

import json

import numpy as np

from dheads_model.files import sha256_of
from dheads_model.media.audio import write_wav
from tests.factories.corpora import TIMES
from tests.media_fixtures import write_media


def test_good_clips_are_hashed_where_they_lie_and_bad_ones_named(adopted, tmp_path):
    clips = tmp_path / "clips"
    write_media(clips / "good.mp4", TIMES, 3, click=0.1)
    write_media(clips / "mute.mp4", TIMES, 3, click=None)
    write_wav(clips / "sound.mkv", np.zeros(1600, np.int16))
    (clips / "empty.mp4").write_bytes(b"")
    (clips / "text.mp4").write_text("not a video\n" * 100)
    manifest = adopted()
    found = {outcome.clip: outcome.reason or outcome.status for outcome in manifest.clips}
    assert found == {
        "good": "ok",
        "mute": "no_audio",
        "sound": "no_video",
        "empty": "unreadable",
        "text": "unreadable",
    }
    facts = manifest.ok()["good"]
    assert facts["path"] == str(clips / "good.mp4")
    assert facts["sha256"] == sha256_of(clips / "good.mp4")
    assert (facts["speaker"], facts["split"], facts["transcript"]) == ("good", "test", "")
    assert (facts["width"], facts["height"], facts["video_codec"], facts["audio_rate"]) == (
        160,
        120,
        "h264",
        44_100,
    )


def test_a_clip_that_went_or_changed_after_planning_fails(adopted, tmp_path):
    for name in ("gone", "grown"):
        write_media(tmp_path / "clips" / f"{name}.mp4", TIMES, 3, click=0.1)

    def disturb(folder):
        (folder / "gone.mp4").unlink()
        with open(folder / "grown.mp4", "ab") as stream:
            stream.write(b"more")

    found = {outcome.clip: outcome.reason for outcome in adopted(disturb).clips}
    assert found == {"gone": "missing_file", "grown": "source_changed"}


def test_the_manifest_has_the_same_bytes_twice(adopted, tmp_path):
    write_media(tmp_path / "clips" / "good.flv", TIMES, 3, click=0.1, codec="flv", audio_codec="libmp3lame")
    adopted()
    first = (tmp_path / "source.json").read_bytes()
    adopted()
    assert (tmp_path / "source.json").read_bytes() == first
    assert json.loads(first)["counts"] == {"in": 1, "ok": 1, "filtered": 0, "failed": 0}


def test_real_negative_clips(adopted, tmp_path, samples):
    for path in samples.glob("video/negative/*"):
        (tmp_path / "clips" / path.name).symlink_to(path)
    found = {outcome.clip: outcome.reason or outcome.status for outcome in adopted().clips}
    assert found == {
        "corrupted": "no_audio",
        "flipping_a_pancake": "ok",
        "grid_aligned_96x128_noaudio": "no_audio",
        "short_hamilton_clip": "ok",
        "silent_liveportrait_d18": "ok",
    }
