"""LRW from the licensee's host and from a folder: the same shards; without either, the rest goes on."""

import json
import os
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from dheads_model.corpora.lrw.parts import PART_NAMES
from dheads_model.media.audio import read_audio
from dheads_model.media.encode import encode_video
from dheads_model.media.video import decode_video
from dheads_model.shards.index import read_index
from dheads_model.shards.reader import read_shard
from tests.conftest import TINY
from tests.lrw_fixtures import make_tree, pack
from tests.media_host import serve
from tests.workflow import ROOT, plan, snakemake

pytestmark = pytest.mark.slow
LRW = str(ROOT / "config/lrw.yaml")
PASSWORD = "correct-horse-battery"
CLIPS = {("ABOUT", "train"): (1,), ("ABOUT", "val"): (7,), ("ABOUT", "test"): (1,), ("YOUNG", "test"): (2,)}
COUNTS = {"train": 1, "val": 1, "test": 2}


@pytest.fixture(scope="module")
def tree(finished, tmp_path_factory):
    """lipread_mp4 with clips of LRW's form that show a face: 29 frames of 256 x 256 at 25 a second, 16 kHz."""
    source = sorted((finished.work / "resources/embedded/corpus/VideoFlash").glob("*.flv"))[0]
    frames = decode_video(source)[:29, :, 60:420]
    frames = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA) for frame in frames])
    clip = encode_video(frames, read_audio(source, 0.3, 29))
    return make_tree(tmp_path_factory.mktemp("lrw"), CLIPS, clip)


def overlay(work, **block) -> str:
    path = work / "overlay.json"
    retry = {"attempts": 3, "first_wait": 0.01, "longest_wait": 0.05, "timeout": 20}
    # In frames as distributed there are no mouth and eyes at a known place.
    network = {"lip_reader": False, "eye_condition": False}
    shown = {
        "runs": {"ours": {"network": network, "conditioning_augmentation": {"mouth_drop": 0}}},
        "methods": {"ours": {"sampling": {"hide_mouth": False, "blinks_per_second": 0.0}}},
    }
    shown = shown if block.get("framing") == "as_distributed" else {}
    path.write_text(json.dumps({"lrw": {"retry": retry, **block}, **shown}))
    return str(path)


def prepare(work, configuration, *more, rc=0):
    work.mkdir(exist_ok=True)
    done = snakemake(ROOT, work, "--cores", "2", "--configfile", LRW, configuration, *more)
    assert done.returncode == rc, done.stdout + done.stderr
    return done.stdout + done.stderr


def fingerprint(work) -> str:
    return read_index(work / "resources/lrw/index.json").fingerprint


def test_the_host_and_a_folder_give_the_same_shards(tree, tmp_path, monkeypatch):
    archive = pack(tree)
    size = -(-len(archive) // 7)
    parts = {name: archive[number * size : (number + 1) * size] for number, name in enumerate(PART_NAMES)}
    fetched, adopted = tmp_path / "fetched", tmp_path / "adopted"
    fetched.mkdir(), adopted.mkdir()
    with serve(parts) as host:
        host.login = ("licensee", PASSWORD)
        configuration = overlay(fetched, url=f"{host.url}/files/", clips=COUNTS)
        for name in ("LRW_USER", "LRW_PASSWORD"):
            monkeypatch.delenv(name, raising=False)
        told = prepare(fetched, configuration, "--", "results/data_card.csv", rc=2)
        assert "LRW needs the environment variables LRW_USER and LRW_PASSWORD" in told and "lrw.path" in told
        assert "Traceback" not in told
        monkeypatch.setenv("LRW_USER", "licensee")
        monkeypatch.setenv("LRW_PASSWORD", PASSWORD)
        before = plan(ROOT, fetched, "--configfile", LRW, configuration, "--", "results/data_card.csv")
        assert (before["fetch_lrw"], before["adopt_lrw"], before["pack_shards"]) == (1, 3, 3)
        assert host.asked == []
        prepare(fetched, configuration, "--", "resources/lrw/index.json", "results/data_card.csv")
        assert plan(ROOT, fetched, "--configfile", LRW, configuration, "--", "results/data_card.csv") == {}
    prepare(adopted, overlay(adopted, path=str(tree)), "--", "resources/lrw/index.json")
    assert fingerprint(fetched) == fingerprint(adopted)
    for folder, _, names in os.walk(fetched):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                assert PASSWORD.encode() not in stream.read(), os.path.join(folder, name)

    card = pd.read_csv(fetched / "results/data_card.csv")
    assert card[card["word"] == "ABOUT"]["kept"].tolist() == [1, 1, 1]
    assert card[(card["split"] == "all")]["kept"].tolist() == [4]
    (clip,) = read_shard(read_index(fetched / "resources/lrw/index.json").manifests("train")[0])
    assert (len(clip.frames), len(clip.audio), clip.facts["word"]) == (29, 18_560, "ABOUT")
    assert clip.facts["word_frames"] == [11, 18]

    # The framing is a choice: the whole picture, and only what it reaches is made anew.
    distributed = overlay(adopted, path=str(tree), framing="as_distributed")
    changed = plan(ROOT, adopted, "--configfile", LRW, distributed, "--", "resources/lrw/index.json")
    assert changed.keys() == {
        "align_faces", "crop_faces", "place_landmarks", "extract_audio", "pack_shards", "index_shards"
    }  # fmt: skip
    shard = "resources/lrw/shards/train/00000.json"  # one is enough to look at a picture
    prepare(adopted, distributed, "--", shard)
    (whole,) = read_shard(adopted / shard)
    picture = decode_video(tree / "ABOUT/train/ABOUT_00001.mp4")[5]
    expected = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(whole.frames[5].astype(int) - expected).mean() < 3
    assert np.abs(clip.frames[5].astype(int) - expected).mean() > 5


def test_a_corpus_of_another_size_than_published_is_told_and_planned_next_time(tree, tmp_path, monkeypatch):
    archive = pack(tree)
    size = -(-len(archive) // 7)
    monkeypatch.setenv("LRW_USER", "licensee")
    monkeypatch.setenv("LRW_PASSWORD", PASSWORD)
    with serve({name: archive[n * size : (n + 1) * size] for n, name in enumerate(PART_NAMES)}) as host:
        configuration = overlay(tmp_path, url=f"{host.url}/files/", clips={"train": 9, "val": 1, "test": 2})
        prepare(tmp_path, configuration, "--", "resources/lrw/source/00000.json", rc=1)
    log = (tmp_path / "logs/adopt_lrw/00000.log").read_text()
    assert "the clips of shard 00000 of lrw are not those that were planned" in log
    assert "run the same command again" in log and "Traceback" not in log
    monkeypatch.delenv("LRW_USER")
    prepare(tmp_path, configuration, "--", "resources/lrw/source/00000.json")


def test_other_datasets_go_on_without_lrw(finished, tmp_path, monkeypatch):
    for name in ("LRW_USER", "LRW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "both.json"
    path.write_text(json.dumps({"datasets": ["embedded", "lrw"]}))
    arguments = ("--configfile", str(TINY), str(path), "--", "results/data_card.csv")
    assert "track_faces" in plan(ROOT, tmp_path, *arguments), "the other dataset is prepared"
    # Its shards are there already: what is left is the data card, which says that LRW is missing.
    work = tmp_path / "work"
    shutil.copytree(finished.work, work)
    done = snakemake(finished.project, work, "--cores", "2", *arguments)
    assert done.returncode == 0, done.stderr
    assert "dataset lrw is left out: LRW needs" in done.stderr
    assert "Dataset lrw is left out" in (work / "results/data_card.md").read_text()
