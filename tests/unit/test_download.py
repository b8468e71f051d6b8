"""A file comes whole and right or not at all, whatever the host does; a loopback server plays the host."""

import dataclasses
import email.utils
import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from dheads_model.download import Expected, Link, Refused, RetryPolicy, download, retry_after
from tests.media_host import serve

CONTENT = bytes(range(256)) * 4000
WANTED = Expected(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
QUICK = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05, timeout=20)
# Shorter than the host stalls; on a busy machine an answer may take as long, so only a stall is waited for in this way.
IMPATIENT = dataclasses.replace(QUICK, timeout=0.8)


@pytest.fixture
def host():
    with serve({"a.flv": CONTENT}) as running:
        yield running


def fetch(host, target, expected=WANTED, retry=QUICK, report=lambda count: None):
    with requests.Session() as session:
        download(session, Link(f"{host.url}/files/a.flv?signature=secret"), target, expected, retry, report)


@pytest.mark.parametrize(
    "trouble",
    [
        [],
        ["drop 300000"],
        ["drop 300000", "drop 300000", "drop 300000", "drop 100000"],
        ["stall"],
        ["slow"],
        ["wrong"],
        ["429"],
        ["503 after 0"],
        ["redirect"],
        ["drop 1000", "no ranges"],
    ],
)
def test_the_file_arrives_in_spite_of_passing_trouble(host, tmp_path, trouble):
    host.trouble["a.flv"] = trouble
    counted = []
    fetch(host, tmp_path / "a.flv", retry=IMPATIENT if "stall" in trouble else QUICK, report=counted.append)
    assert (tmp_path / "a.flv").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.flv"]
    assert sum(counted) == len(CONTENT)


def test_a_cut_line_goes_on_where_it_stopped(host, tmp_path):
    host.trouble["a.flv"] = ["drop 300000"]
    fetch(host, tmp_path / "a.flv")
    first, second = host.asked
    assert first[1] == 0 and 300000 - (1 << 14) <= second[1] <= 300000


def test_attempts_with_progress_are_not_counted(host, tmp_path):
    host.trouble["a.flv"] = ["always drop 270000"]
    fetch(host, tmp_path / "a.flv", retry=RetryPolicy(1, 0, 0, 20))
    assert (tmp_path / "a.flv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("trouble", "message", "requests_made"),
    [
        ("403", "answers 403", 1),
        ("404", "answers 404", 1),
        ("pointer", "a Git-LFS pointer instead", 1),
        ("page", "a web page instead", 1),
        ("long", "sends more than the expected", 1),
        ("wrong", "another file than expected", 2),
        ("429", "failed 3 times, at last: the host answers 429", 3),
        ("drop 10", "failed 3 times, at last: the connection was lost", 3),
    ],
)
def test_a_host_that_says_no_is_believed(host, tmp_path, trouble, message, requests_made):
    host.trouble["a.flv"] = [f"always {trouble}"]
    with pytest.raises(Refused, match=message) as problem:
        fetch(host, tmp_path / "a.flv")
    assert not (tmp_path / "a.flv").exists()
    assert len(host.asked) == requests_made
    assert "secret" not in str(problem.value)


def test_the_host_decides_how_long_to_wait_within_bounds(host, tmp_path, monkeypatch):
    host.trouble["a.flv"] = ["429 after 1", "503 after 3600"]
    waited = []
    monkeypatch.setattr("dheads_model.download.time.sleep", waited.append)
    fetch(host, tmp_path / "a.flv", retry=RetryPolicy(3, 0.0, 1.2, 5))
    assert waited == [1.0, 1.2]
    assert retry_after({"Retry-After": "7"}) == 7
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    assert 17 < retry_after({"Retry-After": date}) <= 20
    assert retry_after({}) is None and retry_after({"Retry-After": "soon"}) is None


def test_an_unknown_size_is_the_announced_one(host, tmp_path):
    host.trouble["a.flv"] = ["drop 300000"]
    fetch(host, tmp_path / "a.flv", Expected(None, WANTED.sha256[:10]))
    assert (tmp_path / "a.flv").read_bytes() == CONTENT


def test_a_host_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Refused, match=r"127\.0\.0\.1:9/x failed 3 times.*cannot be reached"), requests.Session() as one:
        download(one, Link("http://127.0.0.1:9/x"), tmp_path / "x", WANTED, QUICK)


def test_a_killed_download_is_gone_on_from(host, tmp_path):
    host.trouble["a.flv"] = ["stall"]
    program = (
        "import requests, sys; from dheads_model.download import *;"
        f"download(requests.Session(), Link('{host.url}/files/a.flv'), sys.argv[1],"
        f" Expected({len(CONTENT)}, '{WANTED.sha256}'), RetryPolicy(timeout=30))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "a.flv")])
    partial = tmp_path / ".a.flv.partial"
    while not (partial.exists() and partial.stat().st_size > 100_000):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.flv").exists()
    fetch(host, tmp_path / "a.flv")
    assert (tmp_path / "a.flv").read_bytes() == CONTENT
    assert host.asked[-1][1] > 100_000
