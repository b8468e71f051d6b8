"""LRW's parts from a host that asks for a login, breaks off, or hands out something else; no password is left anywhere."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from dheads_model.corpora.lrw.index import read_index
from dheads_model.corpora.lrw.parts import CHECKSUMS, PART_NAMES
from dheads_model.errors import UserError
from tests.lrw_fixtures import make_tree, pack
from tests.media_host import serve
from tests.workflow import ROOT
from workflow_scripts.fetch_lrw import main

LOGIN = ("licensee", "correct-horse-battery")
RETRY = {"attempts": 3, "first_wait": 0.01, "longest_wait": 0.05, "timeout": 20}


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, bytes]:
    """The seven parts of a small corpus by their path at the host."""
    archive = pack(make_tree(tmp_path_factory.mktemp("corpus")))
    size = -(-len(archive) // 7)
    return {name: archive[number * size : (number + 1) * size] for number, name in enumerate(PART_NAMES)}


@pytest.fixture
def host(parts, monkeypatch):
    monkeypatch.setenv("LRW_USER", LOGIN[0])
    monkeypatch.setenv("LRW_PASSWORD", LOGIN[1])
    with serve(dict(parts)) as host:
        host.login = LOGIN
        yield host


def fetch(host, work) -> dict:
    main(SimpleNamespace(
        settings={"url": f"{host.url}/files/", "retry": RETRY}, parts_folder=work / "parts",
        corpus_folder=work / "corpus", manifest=work / "fetched.json",
    ))  # fmt: skip
    return json.loads((work / "fetched.json").read_text())


def test_parts_are_fetched_recorded_unpacked_and_never_fetched_again(host, parts, tmp_path, monkeypatch):
    host.trouble[PART_NAMES[2]] = ["drop 20000", "503"]
    report = fetch(host, tmp_path)
    assert report["files"] == 22
    assert sorted(report["parts"]) == sorted(PART_NAMES)
    assert report["bytes"] == sum(map(len, parts.values()))
    assert len(list((tmp_path / "corpus/lipread_mp4").rglob("*.mp4"))) == 11
    assert (PART_NAMES[2], 16384) in host.asked  # gone on from where the line was cut
    assert report["clips"] == {"train": 5, "val": 2, "test": 4}
    assert (report["words"], report["refused"]) == (2, 0)
    assert sum(1 for _ in read_index(tmp_path / "corpus/index.tsv")) == 11
    host.asked.clear()
    (tmp_path / "fetched.json").unlink()
    shutil.rmtree(tmp_path / "parts")
    monkeypatch.delenv("LRW_PASSWORD")
    assert fetch(host, tmp_path) == report
    assert host.asked == []


def test_another_file_than_the_recorded_one_is_refused(host, parts, tmp_path):
    fetch(host, tmp_path)
    (tmp_path / "corpus/fetched.json").unlink()
    (tmp_path / "parts" / PART_NAMES[6]).unlink()
    host.files[PART_NAMES[6]] = bytes(len(parts[PART_NAMES[6]]))
    with pytest.raises(UserError, match=rf"{PART_NAMES[6]} is not the file that {CHECKSUMS} recorded"):
        fetch(host, tmp_path)


def test_refusals_say_what_to_do(host, tmp_path, monkeypatch):
    monkeypatch.setenv("LRW_PASSWORD", "wrong")
    with pytest.raises(UserError, match=r"answers 401 .*does not accept LRW_USER and LRW_PASSWORD") as refusal:
        fetch(host, tmp_path)
    assert "wrong" not in str(refusal.value)
    monkeypatch.setenv("LRW_PASSWORD", LOGIN[1])
    del host.files[PART_NAMES[3]]
    with pytest.raises(UserError, match=f"{PART_NAMES[3]} answers 404 .*lrw.path"):
        fetch(host, tmp_path)
    assert not (tmp_path / "fetched.json").exists()
    monkeypatch.delenv("LRW_USER")
    with pytest.raises(UserError, match=r"environment variable LRW_USER: .*https://.*lrw.path"):
        fetch(host, tmp_path)


def test_a_full_disk_is_told_before_anything_is_fetched(host, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"1\.00 kB free and LRW needs .*B, packed and unpacked"):
        fetch(host, tmp_path)
    assert host.asked == []


def test_a_fetch_that_was_cut_off_needs_room_for_the_rest_only(host, parts, tmp_path, monkeypatch):
    whole = sum(map(len, parts.values()))
    host.trouble[PART_NAMES[1]] = ["drop 20000", "404"]
    with pytest.raises(UserError, match="answers 404"):
        fetch(host, tmp_path)
    had = sum(path.stat().st_size for path in (tmp_path / "parts").iterdir())
    rest = 2 * (whole - len(parts[PART_NAMES[0]])) - (had - len(parts[PART_NAMES[0]]))
    assert 0 < rest < 2 * whole - had
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=rest - 1))
    with pytest.raises(UserError, match="make room"):
        fetch(host, tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=rest))
    assert fetch(host, tmp_path)["files"] == 22


def test_parts_that_moved_are_followed(host, tmp_path):
    host.trouble[PART_NAMES[0]] = ["redirect"]
    assert fetch(host, tmp_path)["files"] == 22


@pytest.mark.slow
def test_a_killed_fetch_goes_on_and_no_password_is_written(host, tmp_path):
    host.trouble[PART_NAMES[4]] = ["always slow"]
    command = [
        sys.executable, "-m", "workflow_scripts.fetch_lrw", "--settings",
        json.dumps({"url": f"{host.url}/files/", "retry": RETRY}), "--parts-folder", str(tmp_path / "parts"),
        "--corpus-folder", str(tmp_path / "corpus"), "--manifest", str(tmp_path / "fetched.json"),
    ]  # fmt: skip
    assert LOGIN[1] not in " ".join(command)
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log)
        deadline = time.monotonic() + 120
        while not any(path == PART_NAMES[4] for path, _ in host.asked):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "fetched.json").exists()
        host.trouble.clear()
        host.asked.clear()
        assert subprocess.run(command, cwd=ROOT, stderr=log, stdout=log).returncode == 0
    assert {path for path, _ in host.asked} <= set(PART_NAMES[4:])
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                assert LOGIN[1].encode() not in stream.read(), name
