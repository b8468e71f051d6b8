"""The command that cuts the sound of a shard: lengths, place, silence and what becomes of broken clips."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from dheads_model.manifest import Manifest, Outcome, read_manifest, verify_file, write_manifest
from dheads_model.media.audio import read_wav
from dheads_model.shards.tar import read_tar
from tests.factories.shards import BUDGET
from tests.media_fixtures import write_media
from workflow_scripts.extract_audio import main

TIMES = [0.2 + number / 25 for number in range(50)]
SETTINGS = {"bands": 80, "silence_dbfs": -60}


@pytest.fixture
def extracted(tmp_path):
    """Runs the command on {clip: (path, start, frames)} and returns (manifest, members of the tar)."""

    def extract(clips):
        sources, aligned = [], []
        for clip, (path, start, frames) in sorted(clips.items()):
            size = path.stat().st_size if path.is_file() else 1
            sources.append(Outcome(clip, "ok", facts={"path": str(path), "bytes": size}))
            aligned.append(Outcome(clip, "ok", facts={"start": start, "frames": frames}))
        for stage, outcomes in (("source", sources), ("align", aligned)):
            write_manifest(tmp_path / f"{stage}.json", Manifest(stage, "d", "test", "00000", {}, tuple(outcomes)))
        names = {"source": "source.json", "align": "align.json", "output": "audio.tar", "manifest": "audio.json"}
        given = {name: tmp_path / file for name, file in names.items()}
        main(SimpleNamespace(**given, settings=SETTINGS, budget=BUDGET))
        manifest = read_manifest(tmp_path / "audio.json")
        return manifest, dict(read_tar(verify_file(tmp_path / "audio.json", manifest.files[0])))

    return extract


def test_sound_and_features_have_the_length_of_the_frames_and_begin_with_the_first(extracted, tmp_path):
    path = write_media(tmp_path / "a.mkv", TIMES, 25, click=TIMES[25])
    manifest, members = extracted({"a": (path, TIMES[0], 50), "b": (path, TIMES[20], 7)})
    assert list(members) == ["a.wav", "a.features.npy", "b.wav", "b.features.npy"]
    for clip, frames in (("a", 50), ("b", 7)):
        assert len(read_wav(members[f"{clip}.wav"])) == 640 * frames == manifest.ok().get(clip, {}).get("samples", 0)
        features = np.load(io.BytesIO(members[f"{clip}.features.npy"]))
        assert (features.shape, features.dtype) == ((4 * frames, 80), np.float32)
    features = np.load(io.BytesIO(members["a.features.npy"]))
    assert abs(np.exp(features.astype(float)).sum(axis=1).argmax() - 4 * 25) <= 1


def test_silent_mute_and_missing_clips_are_accounted_for(extracted, tmp_path, samples):
    good = write_media(tmp_path / "good.mkv", TIMES, 25, click=1.0)
    manifest, members = extracted(
        {
            "good": (good, 0.2, 40),
            "mute": (write_media(tmp_path / "mute.mkv", TIMES, 25, click=None), 0.2, 40),
            "late": (good, 30.0, 40),
            "gone": (tmp_path / "gone.mp4", 0.0, 40),
            "silent": (samples / "video/negative/silent_liveportrait_d18.mp4", 0.0, 40),
        }
    )
    found = {outcome.clip: outcome.reason or outcome.status for outcome in manifest.clips}
    assert found == {
        "good": "ok",
        "mute": "no_audio",
        "late": "silent_audio",
        "gone": "missing_file",
        "silent": "silent_audio",
    }
    assert list(members) == ["good.wav", "good.features.npy"]


def test_a_source_that_changed_since_it_was_hashed_fails(extracted, tmp_path, monkeypatch):
    path = write_media(tmp_path / "a.mkv", TIMES, 25, click=1.0)
    monkeypatch.setattr("tests.unit.test_extract_audio.write_manifest", grow_after(path, write_manifest))
    assert [outcome.reason for outcome in extracted({"a": (path, 0.2, 40)})[0].clips] == ["source_changed"]


def grow_after(path, write):
    """`write`, after which the file at `path` is longer."""

    def write_and_grow(*given):
        write(*given)
        with open(path, "ab") as stream:
            stream.write(b"more")

    return write_and_grow


def test_the_tar_has_the_same_bytes_twice(extracted, tmp_path):
    path = write_media(tmp_path / "a.mkv", TIMES, 25, click=1.0)
    assert extracted({"a": (path, 0.2, 40)})[0] == extracted({"a": (path, 0.2, 40)})[0]
