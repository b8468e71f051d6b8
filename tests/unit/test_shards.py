"""From stage outputs to packed shards, their index, and training windows."""

import json

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.manifest import read_manifest
from dheads_model.shards.index import read_index, write_index
from dheads_model.shards.loader import LoadedClip, load_split, sample_batch, window
from dheads_model.shards.reader import read_shard
from tests.factories.shards import pack


def test_a_packed_clip_comes_back_whole(tmp_path):
    manifest = pack(tmp_path)
    clips = list(read_shard(manifest))
    assert [clip.clip for clip in clips] == ["a_1", "b_1"]
    assert clips[1].frames.shape == (8, 32, 32, 3)
    assert clips[1].audio.shape == (8 * 640,)
    assert clips[1].features.shape == (32, 80)
    assert clips[1].landmarks.shape == (8, 68, 2)
    assert clips[1].speaker == "b"


def test_packing_again_gives_the_same_bytes(tmp_path):
    first = sha256_of(pack(tmp_path / "x").replace(".json", ".tar"))
    assert sha256_of(pack(tmp_path / "y").replace(".json", ".tar")) == first


def test_webdataset_sees_one_sample_a_clip(tmp_path):
    import webdataset

    tar = pack(tmp_path).replace(".json", ".tar")
    found = list(webdataset.WebDataset(tar, shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in found] == ["a_1", "b_1"]
    assert {"mp4", "wav", "landmarks.npy", "features.npy", "json"} <= set(found[0])
    assert json.loads(found[0]["json"])["frames"] == 6


def test_a_clip_whose_parts_differ_in_length_fails_alone(tmp_path):
    manifest = read_manifest(pack(tmp_path, damage="a_1"))
    assert {outcome.clip: outcome.status for outcome in manifest.clips} == {"a_1": "failed", "b_1": "ok"}
    assert "different length" in manifest.clips[0].detail


def test_truncated_and_altered_shards_are_refused(tmp_path):
    manifest = pack(tmp_path)
    tar = tmp_path / "shards/train/00000.tar"
    whole = tar.read_bytes()
    for spoilt in (whole[: len(whole) // 2], whole[:-512], whole[:3000] + b"\1" + whole[3001:]):
        tar.write_bytes(spoilt)
        with pytest.raises(UserError, match="truncated or altered"):
            next(read_shard(manifest))


def test_the_fingerprint_follows_the_bytes(tmp_path):
    paths = [pack(tmp_path / "x", shard="00000"), pack(tmp_path / "x", shard="00001", split="test", speakers="cd")]
    write_index(tmp_path / "x/index.json", paths)
    write_index(tmp_path / "x/again.json", paths[::-1])
    index = read_index(tmp_path / "x/index.json")
    assert index.fingerprint == read_index(tmp_path / "x/again.json").fingerprint
    assert (index.count("train"), index.count("test"), index.count("train", "frames")) == (2, 2, 14)
    other = pack(tmp_path / "y", lengths={"a_1": 7})
    write_index(tmp_path / "y/index.json", [other])
    assert read_index(tmp_path / "y/index.json").fingerprint != index.fingerprint


def test_a_speaker_in_two_splits_is_refused(tmp_path):
    paths = [pack(tmp_path, shard="00000"), pack(tmp_path, shard="00001", split="test")]
    with pytest.raises(UserError, match="is in two splits"):
        write_index(tmp_path / "index.json", paths)


@pytest.fixture
def clips(tmp_path):
    write_index(tmp_path / "index.json", [pack(tmp_path, lengths={"a_1": 6, "b_1": 12})])
    return load_split(tmp_path / "index.json", "train", 16)


def test_loaded_clips_have_the_models_size(clips):
    assert clips[0].frames.shape == (6, 16, 16, 3)
    assert clips[0].features.shape == (6, 4, 80)
    assert clips[0].landmarks.max() <= 16


def test_a_batch_is_a_function_of_seed_and_step(clips):
    first, again = (sample_batch(clips, 32, 5, 7) for _ in range(2))
    other = sample_batch(clips, 32, 5, 8)
    np.testing.assert_array_equal(first.target, again.target)
    np.testing.assert_array_equal(first.audio, again.audio)
    assert not np.array_equal(first.frames, other.frames)
    assert first.motion.shape == (32, 2, 16, 16, 3)
    assert first.audio.shape == (32, 5, 4, 80)


def test_windows_hold_the_right_frames(clips):
    batch = sample_batch(clips, 300, 1, 0)
    known = {clip.clip: clip for clip in clips}
    for i, (name, frame) in enumerate(zip(batch.clips, batch.frames, strict=True)):
        clip = known[name]
        np.testing.assert_array_equal(batch.target[i], clip.frames[frame])
        assert not np.array_equal(batch.identity[i], batch.target[i])
        for slot, k in enumerate((frame - 2, frame - 1)):
            np.testing.assert_array_equal(batch.motion[i, slot], clip.frames[k] if k >= 0 else batch.identity[i])
    shares = np.mean([name == "b_1" for name in batch.clips])
    assert shares == pytest.approx(12 / 18, abs=0.1), "targets are uniform over frames, not clips"


def test_windows_equal_the_published_ones(golden):
    cases = json.loads((golden / "windows.json").read_text())
    assert len(cases) > 10
    for case in cases:
        count = case["n_frames"]
        numbers = np.arange(count, dtype=np.float32)
        clip = LoadedClip("c", "s", numbers, numbers, numbers)
        target, identity, motion, audio, *_ = window(
            clip, case["target"], case["identity"], case["n_audio_motion_embs"], case["n_motion_frames"]
        )
        assert (int(target), int(identity)) == (case["target"], case["identity"])
        assert [int(frame) for frame in motion] == case["motion"]
        assert audio.astype(int).tolist() == case["audio"]


def test_an_empty_split_and_one_frame_clips_are_refused(clips):
    with pytest.raises(UserError, match="training split holds no clip"):
        sample_batch([], 4, 0, 0)
