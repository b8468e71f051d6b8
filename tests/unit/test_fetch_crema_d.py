"""The command that brings a shard of CREMA-D: every clip with its status, sound from beside where the video has none."""

from types import SimpleNamespace

import numpy as np
import pytest

from dheads_model.corpora.crema_d import list_clips
from dheads_model.corpora.plan import plan_shards, write_plan
from dheads_model.manifest import read_manifest
from dheads_model.media.audio import wav_bytes
from dheads_model.stages.audio import read_clip_audio
from tests.crema_d_fixtures import lay_out, write_tables
from tests.factories.shards import BUDGET
from tests.media_fixtures import write_media
from tests.media_host import serve
from workflow_scripts.fetch_crema_d import main

RETRY = {"attempts": 2, "first_wait": 0.01, "longest_wait": 0.05, "timeout": 20}
TIMES = [0.5 + number / 25 for number in range(10)]
CLICK = 4800


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    """A good clip, a mute one with a sound beside it, a mute one without, a bad one, all as FLV."""
    folder = tmp_path_factory.mktemp("media")

    def flv(click):
        path = write_media(folder / "x.flv", TIMES, 3, click, codec="flv1", audio_codec="libmp3lame")
        return path.read_bytes()

    sound = np.zeros(6400, np.int16)
    sound[CLICK : CLICK + 32] = 20_000
    return {
        "VideoFlash/1001_IEO_NEU_XX.flv": flv(0.6),
        "VideoFlash/1001_TIE_NEU_XX.flv": flv(None),
        "AudioWAV/1001_TIE_NEU_XX.wav": wav_bytes(sound),
        "VideoFlash/1001_IOM_NEU_XX.flv": flv(None),
        "VideoFlash/1001_IWW_NEU_XX.flv": b"three frames and no sound",
    }


@pytest.fixture
def fetched(files, tmp_path):
    """Runs the command with the given sources, or on a folder, and returns its manifest."""
    bad = {"VideoFlash/1001_IWW_NEU_XX.flv": "3 frames and no sound"}
    tables = write_tables(tmp_path / "tables", files, {"1001": "test"}, bad)

    def fetch(sources, path=None):
        block = {"path": path, "tables": str(tables), "actors": None}
        hosts = {"sources": sources, "connections": 2, "retry": RETRY}
        shard = plan_shards(list_clips(block, tables), 100)[0]
        write_plan(tmp_path / "plan.json", "crema_d", shard)
        main(SimpleNamespace(
            plan=tmp_path / "plan.json", planning=None, membership="", manifest=tmp_path / "source.json",
            settings=block, hosts=hosts, budget=BUDGET, corpus_folder=tmp_path / "corpus",
        ))  # fmt: skip
        return read_manifest(tmp_path / "source.json")

    return fetch


def test_every_clip_is_accounted_for(fetched, files):
    with serve(files) as host:
        manifest = fetched(host.sources("git-lfs"))
        asked = {path for path, _ in host.asked}
    found = {outcome.clip[5:8]: outcome.reason or outcome.status for outcome in manifest.clips}
    assert found == {"IEO": "ok", "TIE": "ok", "IOM": "no_audio", "IWW": "listed_bad"}
    assert "VideoFlash/1001_IWW_NEU_XX.flv" not in asked
    facts = manifest.ok()["1001_IEO_NEU_XX"]
    assert (facts["speaker"], facts["transcript"], facts["video_codec"]) == ("1001", "It's eleven o'clock.", "flv")
    assert "sound" not in facts


def test_sound_beside_a_mute_video_starts_with_its_first_picture(fetched, files):
    with serve(files) as host:
        facts = fetched(host.sources("files")).ok()["1001_TIE_NEU_XX"]
    assert facts["video_start"] == pytest.approx(TIMES[0], abs=0.05)
    samples = read_clip_audio(facts, facts["video_start"], 10)
    assert len(samples) == 6400
    assert abs(int(np.abs(samples).argmax()) - CLICK) <= 32


def test_the_same_corpus_gives_the_same_manifest_wherever_it_came_from(fetched, files, tmp_path):
    with serve(files) as host:
        one = fetched(host.sources("git-lfs"))
        other = fetched(host.sources("files", "git-lfs"))
    assert one == other


def test_a_folder_is_adopted_as_it_is(fetched, files, tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    missing = "VideoFlash/1001_TIE_NEU_XX.flv"
    clone = lay_out(tmp_path / "clone", {**files, "VideoFlash/1001_IEO_NEU_XX.flv": pointer})
    (clone / missing).unlink()
    before = {path: path.stat().st_mtime_ns for path in clone.rglob("*")}
    manifest = fetched([{"kind": "files", "url": "http://127.0.0.1:9/"}], str(clone))
    found = {outcome.clip[5:8]: (outcome.reason, outcome.detail) for outcome in manifest.clips}
    assert found["IEO"][0] == "missing_file" and "git lfs pull" in found["IEO"][1]
    assert found["TIE"] == ("missing_file", f"{clone / missing} is not there")
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*")} == before
