"""CREMA-D's plan from the pinned tables, and objects from hosts that misbehave; nothing here leaves the machine."""

from collections import Counter

import pytest

from dheads_model.corpora.crema_d import CorpusObject, list_clips, read_bad_objects, read_objects
from dheads_model.corpora.fetch import Source, fetch_objects
from dheads_model.download import RetryPolicy
from dheads_model.errors import UserError
from tests.crema_d_fixtures import REAL_TABLES, lay_out, write_tables
from tests.media_host import serve

ALL = {"actors": None}
QUICK = RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.05, timeout=20)
FILES = {f"VideoFlash/1001_{code}_NEU_XX.flv": code.encode() * 20_000 for code in ("IEO", "TIE", "IOM", "IWW", "TAI")}


def test_the_tables_hold_the_whole_corpus_and_the_papers_test_list(golden):
    clips = list_clips(ALL, REAL_TABLES)
    assert len(clips) == 7442
    assert sum(clip.extra["bytes"] for clip in clips) == 2_443_021_141
    assert Counter(clip.split for clip in clips) == {"train": 5808, "val": 814, "test": 820}
    tested = {clip.speaker for clip in clips if clip.split == "test"}
    assert tested == {"1015", "1020", "1021", "1030", "1033", "1052", "1062", "1081", "1082", "1089"}
    transcripts = {clip.clip: clip.transcript for clip in clips}
    assert transcripts["1001_DFA_ANG_XX"] == "Don't forget a jacket."
    assert len(read_objects(REAL_TABLES)) == 2 * 7442
    # Bad clips are planned, so that they are accounted for as filtered.
    assert {"1076_MTI_NEU_XX", "1076_MTI_SAD_XX", "1064_TIE_SAD_XX", "1064_IEO_DIS_MD"} <= set(transcripts)
    assert set(read_bad_objects(REAL_TABLES)) <= set(read_objects(REAL_TABLES))


def test_some_actors_can_be_chosen_and_others_do_not_exist():
    assert {clip.speaker for clip in list_clips({"actors": [1001, 1091]}, REAL_TABLES)} == {"1001", "1091"}
    with pytest.raises(UserError, match=r"crema_d.actors names 1092; the corpus has 1001 to 1091"):
        list_clips({"actors": [1001, 1092]}, REAL_TABLES)


def test_damaged_tables_are_refused(tmp_path):
    tables = write_tables(tmp_path, FILES, {"1001": "test"}, {})
    (tables / "objects.tsv").write_text((tables / "objects.tsv").read_text().replace("\t60000\t", "\tmany\t", 1))
    with pytest.raises(UserError, match="no size and sha256 for VideoFlash/1001"):
        list_clips(ALL, tables)
    (tables / "objects.tsv").unlink()
    with pytest.raises(UserError, match=r"objects.tsv cannot be read .*crema_d.tables"):
        list_clips(ALL, tables)


@pytest.fixture
def host():
    with serve(dict(FILES)) as running:
        yield running


@pytest.fixture
def wanted(tmp_path) -> list[CorpusObject]:
    return list(read_objects(write_tables(tmp_path / "tables", FILES, {"1001": "test"}, {})).values())


def fetch(host, wanted, folder, *kinds, connections=2):
    sources = [Source(**source) for source in host.sources(*kinds)]
    return fetch_objects(wanted, folder, sources, QUICK, connections)


@pytest.mark.parametrize("kind", ["git-lfs", "files"])
def test_objects_come_from_either_kind_of_host_and_only_once(host, wanted, tmp_path, kind):
    assert fetch(host, wanted, tmp_path / "corpus", kind) == {}
    for path, content in FILES.items():
        assert (tmp_path / "corpus" / path).read_bytes() == content
    host.asked.clear()
    assert fetch(host, wanted, tmp_path / "corpus", kind) == {}
    assert host.asked == []
    assert host.most_at_once <= 2


def test_what_one_host_refuses_the_next_is_asked_for(host, wanted, tmp_path):
    host.trouble["batch"] = ["403"]
    assert fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files") == {}
    first = wanted[0].path
    (tmp_path / "corpus" / first).unlink()
    host.trouble[first] = ["pointer"]
    host.asked.clear()
    assert fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files") == {}
    assert host.asked == [("batch", 1), (first, 0), (first, 0)]


def test_an_object_that_no_host_gives_does_not_stop_the_others(host, wanted, tmp_path):
    first, last = wanted[0].path, wanted[-1].path
    host.trouble[first], host.trouble[last] = ["always 404"], ["always wrong"]
    refused = fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files")
    assert set(refused) == {first, last}
    assert refused[first].count("answers 404") == 2
    assert "another file than expected" in refused[last]
    assert "secret" not in str(refused)
    # Begun again with the one object left, it is still that object and not the hosts.
    del host.trouble[last]
    assert set(fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files")) == {first}
    assert set(fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files")) == {first}


def test_a_host_over_its_quota_ends_the_job_with_one_sentence(host, wanted, tmp_path):
    host.trouble["batch"] = ["always 403"]
    for item in wanted:
        host.trouble[item.path] = ["always 404"]
    with pytest.raises(UserError, match=r"no host delivers the 5 .*over its data quota.*answers 404.*crema_d\.path"):
        fetch(host, wanted, tmp_path / "corpus", "git-lfs", "files")
    # It is not asked for hundreds of objects in vain.
    assert len([path for path, _ in host.asked if path != "batch"]) <= 4


def test_a_present_file_of_other_bytes_is_fetched_again(host, wanted, tmp_path):
    folder = lay_out(tmp_path / "corpus", FILES)
    (folder / wanted[2].path).write_bytes(b"x" * wanted[2].bytes)
    assert fetch(host, wanted, folder, "files") == {}
    assert host.asked == [(wanted[2].path, 0)]
    assert (folder / wanted[2].path).read_bytes() == FILES[wanted[2].path]
