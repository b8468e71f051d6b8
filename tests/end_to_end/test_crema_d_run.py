"""CREMA-D's whole preparation from a host on the loopback interface: killed, gone on with, adopted, equal bytes."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from dheads_model.shards.index import read_index
from tests.crema_d_fixtures import lay_out, write_tables
from tests.media_host import serve
from tests.workflow import ROOT, plan, snakemake

pytestmark = pytest.mark.slow
CREMA_D = str(ROOT / "config/crema_d.yaml")
RETRY = {"attempts": 2, "first_wait": 0.01, "longest_wait": 0.1, "timeout": 20}


@pytest.fixture(scope="module")
def corpus(finished) -> dict[str, bytes]:
    """Clips of three actors in CREMA-D's layout and codecs."""
    clips = sorted((finished.work / "resources/embedded/corpus/VideoFlash").glob("*.flv"))
    return {f"VideoFlash/{path.name}": path.read_bytes() for path in clips}


@pytest.fixture(scope="module")
def tables(corpus, tmp_path_factory):
    """Tables of these clips, one of them known to be bad."""
    actors = sorted({path[11:15] for path in corpus})
    splits = dict(zip(actors, ("train", "val", "test"), strict=True))
    bad = {"VideoFlash/1091_MTI_NEU_XX.flv": "three frames"}
    files = {**corpus, **dict.fromkeys(bad, b"bad")}
    return write_tables(tmp_path_factory.mktemp("tables"), files, {**splits, "1091": "train"}, bad)


def overlay(work, tables, **block) -> str:
    path = work / "overlay.yaml"
    path.write_text(yaml.safe_dump({"crema_d": {"tables": str(tables), "retry": RETRY, **block}}))
    return str(path)


def fingerprint(work) -> str:
    return read_index(work / "resources/crema_d/index.json").fingerprint


def account(work):
    card = pd.read_csv(work / "results/data_card.csv").fillna(0)
    return card[card["split"] == "all"].iloc[0]


def run(work, configuration, cores="2"):
    done = snakemake(ROOT, work, "--cores", cores, "--configfile", CREMA_D, configuration, "--", "prepare")
    assert done.returncode == 0, done.stdout + done.stderr


def test_from_the_host_to_shards_in_spite_of_a_kill_and_bad_lines(corpus, tables, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    first, last = sorted(corpus)[0], sorted(corpus)[-1]
    with serve(corpus) as host:
        configuration = overlay(work, tables, sources=host.sources("git-lfs", "files"))
        assert plan(ROOT, work, "--configfile", CREMA_D, configuration, "--", "prepare")["fetch_crema_d"] == 3
        assert host.asked == []  # planning never touches the network
        # From the start, or the other core might have it before the kill.
        host.trouble.update({first: ["always stall"], last: ["always 404"]})
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2",
                   "--configfile", CREMA_D, configuration, "--", "prepare"]  # fmt: skip
        process = subprocess.Popen(command, cwd=work, start_new_session=True, stderr=subprocess.DEVNULL)
        partial = work / "resources/crema_d/corpus/VideoFlash" / f".{first.split('/')[1]}.partial"
        while not partial.exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (work / "resources/crema_d/source/00000.json").exists()
        host.trouble[first] = ["drop 20000", "503"]
        assert snakemake(ROOT, work, "--unlock", "--cores", "1", "--configfile", CREMA_D, configuration).returncode == 0
        run(work, configuration)
        whole = account(work)
        assert (whole["planned"], whole["kept"], whole["failed:not_fetched"]) == (4, 2, 1)

        # The host has mended: the failed clip is tried again, and nothing is fetched twice.
        host.trouble.clear()
        host.asked.clear()
        asked_again = snakemake(
            ROOT, work, "--cores", "1", "--configfile", CREMA_D, configuration, "--", "retry_failed"
        )
        assert "1 clips failed in source" in asked_again.stdout
        run(work, configuration)
        assert {path for path, _ in host.asked} == {"batch", last}
    whole = account(work)
    assert (whole["planned"], whole["kept"], whole["filtered:listed_bad"]) == (4, 3, 1)

    # The same corpus as a folder, on one core and without a host: the same shards, byte for byte.
    other = tmp_path / "other"
    other.mkdir()
    clone = lay_out(tmp_path / "clone", corpus)
    run(other, overlay(other, tables, path=str(clone), sources=[{"kind": "files", "url": "http://127.0.0.1:9/"}]), "1")
    assert fingerprint(other) == fingerprint(work)


def test_no_host_and_no_folder_end_with_one_sentence(tables, tmp_path):
    with serve({}) as host:
        host.trouble["batch"] = ["always 403"]
        configuration = overlay(tmp_path, tables, sources=host.sources("git-lfs"))
        done = snakemake(ROOT, tmp_path, "--cores", "1", "--configfile", CREMA_D, configuration, "--", "prepare")
    assert done.returncode != 0
    logs = "".join(path.read_text() for path in (tmp_path / "logs/fetch_crema_d").glob("*.log"))
    assert "over its data quota" in logs and "set crema_d.path to a folder" in logs
    assert "Traceback" not in logs
