"""GRID's whole preparation from a host on the loopback interface, from a folder, and with one more speaker."""

import json

import pandas as pd
import pytest
import yaml

from dheads_model.corpora.grid.names import sentence_of
from dheads_model.shards.index import read_index
from dheads_model.shards.reader import read_shard
from tests.conftest import BESIDE
from tests.grid_fixtures import ARCHIVE, HOME, archive_files, as_mpg, home_files, lay_out, sources
from tests.media_host import serve
from tests.workflow import ROOT, plan, snakemake

pytestmark = pytest.mark.slow
GRID = str(ROOT / "config/grid.yaml")
RETRY = {"attempts": 4, "first_wait": 0.01, "longest_wait": 0.1, "timeout": 20}
TARGETS = ("results/data_card.csv", "resources/grid/index.json")
# What a shard needs, by rule.
OF_A_SHARD = (
    "fetch_grid", "adopt_grid", "track_faces", "align_faces", "crop_faces", "place_landmarks", "extract_audio", "pack_shards",
)  # fmt: skip


@pytest.fixture(scope="module")
def clips(finished) -> dict[int, dict[str, bytes]]:
    """A sentence each of a test, a training and a validation speaker: generated actors in GRID's formats."""
    films = sorted((finished.work / "resources/embedded/corpus/VideoFlash").glob("*.flv"))
    return {
        speaker: {code: as_mpg(film)}
        for (speaker, code), film in zip(((1, "bbaf2n"), (3, "lbax4n"), (9, "swiz3n")), films, strict=False)
    }


def overlay(work, **block) -> list[str]:
    work.mkdir(exist_ok=True)
    path = work / "overlay.yaml"
    path.write_text(yaml.safe_dump({"sharding": {"clips_per_shard": 1000}, "grid": {"retry": RETRY, **block}}))
    return ["--configfile", GRID, str(path)]


def run(work, arguments) -> None:
    done = snakemake(ROOT, work, "--cores", "2", *arguments, "--", *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr


def account(work) -> pd.Series:
    card = pd.read_csv(work / "results/data_card.csv").fillna(0)
    return card[card["split"] == "all"].iloc[0]


def test_from_the_host_to_shards_and_from_a_folder_to_the_same(clips, tmp_path):
    work = tmp_path / "work"
    with serve(home_files({1: clips[1], 3: clips[3]}) | archive_files({9: clips[9]})) as host:
        block = {"sources": sources(host.url, HOME, ARCHIVE)}
        arguments = overlay(work, speakers=[1, 3], **block)
        assert plan(ROOT, work, *arguments, "--", *TARGETS)["fetch_grid"] == 2
        assert host.asked == []  # planning never touches the network
        host.trouble["s3/video/s3.mpg_vcd.zip"] = ["drop 20000", "503"]
        run(work, arguments)
        assert (account(work)["planned"], account(work)["kept"]) == (2, 2)
        assert ("s3/video/s3.mpg_vcd.zip", 16384) in host.asked

        # One more speaker, whom only the second host has: its own shard is made, and no other.
        arguments = overlay(work, speakers=[1, 3, 9], **block)
        counts = plan(ROOT, work, *arguments, "--", *TARGETS)
        assert {rule: counts.get(rule) for rule in OF_A_SHARD} == dict.fromkeys(OF_A_SHARD, 1)
        assert sum(counts.values()) == len(OF_A_SHARD) + 2  # index and data card
        host.asked.clear()
        run(work, arguments)
        assert all("s9" in path or "record" in path for path, _ in host.asked)
    assert (account(work)["planned"], account(work)["kept"]) == (3, 3)
    assert plan(ROOT, work, *arguments, "--", *TARGETS) == {}
    index = read_index(work / "resources/grid/index.json")
    assert {split: index.count(split) for split in ("train", "val", "test")} == {"train": 1, "val": 1, "test": 1}
    (clip,) = read_shard(index.manifests("train")[0])
    assert (clip.clip, clip.speaker, clip.transcript) == ("s3_lbax4n", "s3", "lay blue at x four now")
    start, end, word = clip.facts["words"][0]
    assert (word, round(end - start, 5)) == ("lay", 0.2)
    assert start == pytest.approx(clip.facts["source_start"] + 0.4, abs=0.02)  # the film's sound begins a little before

    # The same clips in a folder of another layout, without a host: the same shards, byte for byte.
    given = lay_out(tmp_path / "given", clips)
    other = tmp_path / "other"
    run(other, overlay(other, path=str(given)))
    assert read_index(other / "resources/grid/index.json").fingerprint == index.fingerprint


def test_a_speaker_that_no_host_has_ends_with_one_sentence(tmp_path):
    with serve({}) as host:
        arguments = overlay(tmp_path, speakers=[5], sources=sources(host.url, HOME, ARCHIVE))
        done = snakemake(ROOT, tmp_path, "--cores", "1", *arguments, "--", *TARGETS)
    assert done.returncode != 0
    log = (tmp_path / "logs/fetch_grid/s5.log").read_text()
    assert "no source gives the word times of speaker s5" in log and "404" in log and "Traceback" not in log


def test_real_clips_from_the_host_to_shards(tmp_path):
    folder = BESIDE / "real/grid/s1"
    if not folder.is_dir():
        pytest.skip(f"real clips of GRID are not at {folder}")
    real = {1: {code: (folder / f"{code}.mpg").read_bytes() for code in ("bbbm1s", "pwip6n")}}
    with serve(archive_files(real)) as host:
        arguments = overlay(tmp_path / "work", speakers=[1], sources=sources(host.url, ARCHIVE))
        run(tmp_path / "work", arguments)
    index = read_index(tmp_path / "work/resources/grid/index.json")
    found = [clip for manifest in index.manifests("test") for clip in read_shard(manifest)]
    assert [clip.transcript for clip in found] == [sentence_of("bbbm1s"), sentence_of("pwip6n")]
    assert all(len(clip.frames) in (74, 75) and len(clip.facts["words"]) == 6 for clip in found)
    source = json.loads((tmp_path / "work/resources/grid/source/00000.json").read_text())["clips"][0]["facts"]
    assert (source["width"], source["height"], source["fps"]) == (360, 288, 25.0)
