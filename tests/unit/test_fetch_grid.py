"""GRID's archives from a host that breaks off, lacks a speaker or hands out something else, and archives that are not trusted."""

import hashlib
import io
import json
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from dheads_model.corpora.datasets.grid import DATASET
from dheads_model.corpora.grid.unpack import unpack
from dheads_model.corpora.plan import plan_shards, write_plan
from dheads_model.errors import UserError
from dheads_model.manifest import read_manifest
from tests.factories.configs import laid
from tests.factories.shards import BUDGET
from tests.grid_fixtures import ARCHIVE, HOME, archive_files, home_files, lay_out, sources, tar_of, zip_of
from tests.media_host import serve
from workflow_scripts import adopt_grid
from workflow_scripts.fetch_grid import main

RETRY = {"attempts": 3, "first_wait": 0.01, "longest_wait": 0.05, "timeout": 20}
# Not of one letter, so that a zip is not much smaller.
CLIPS = {
    7: {"bbaf2n": hashlib.shake_256(b"a").digest(90_000), "lbax4n": hashlib.shake_256(b"b").digest(70_000)},
    8: {"swwy2n": hashlib.shake_256(b"c").digest(90_000)},
}
VIDEO = "s7/video/s7.mpg_vcd.zip"


@pytest.fixture
def host():
    with serve(home_files(CLIPS) | archive_files(CLIPS)) as host:
        yield host


def fetch(host, work, speaker=7, layouts=(HOME,), **more) -> dict:
    block = {"sources": sources(host.url, *layouts), "hashes": None, "alignments": True, "clips_per_speaker": None}
    main(SimpleNamespace(
        settings=block | {"retry": RETRY} | more, part=f"s{speaker}", manifest=work / f"speakers/s{speaker}.json",
        corpus_folder=work / "corpus", downloads_folder=work / "downloads", hashes_folder=work / "hashes",
    ))  # fmt: skip
    return json.loads((work / f"speakers/s{speaker}.json").read_text())


def kept(work) -> list[str]:
    return sorted(str(path.relative_to(work / "corpus")) for path in (work / "corpus").rglob("*.*"))


def test_a_dropped_transfer_goes_on_and_nothing_is_fetched_again(host, tmp_path):
    host.trouble[VIDEO] = ["drop 60000", "503"]
    report = fetch(host, tmp_path)
    assert [start for path, start in host.asked if path == VIDEO] == [0, 49152, 49152]
    assert (report["clips"], report["alignments"], report["left_out"]) == (2, 2, ["s7/Thumbs.db"])
    assert kept(tmp_path) == [
        "s7/bbaf2n.align", "s7/bbaf2n.mpg", "s7/fetched.json", "s7/lbax4n.align", "s7/lbax4n.mpg",
    ]  # fmt: skip
    assert (tmp_path / "corpus/s7/lbax4n.mpg").read_bytes() == CLIPS[7]["lbax4n"]
    assert not list((tmp_path / "downloads").iterdir()), "archives are deleted"
    host.asked.clear()
    (tmp_path / "speakers/s7.json").unlink()
    assert fetch(host, tmp_path) == report
    assert fetch(host, tmp_path, clips_per_speaker=1, alignments=False) == report
    assert host.asked == []


def test_both_hosts_give_the_same_files(host, tmp_path):
    fetch(host, tmp_path / "home")
    fetch(host, tmp_path / "archive", layouts=(ARCHIVE,))
    for name in ("bbaf2n.mpg", "bbaf2n.align", "lbax4n.mpg", "lbax4n.align"):
        found = [(tmp_path / place / "corpus/s7" / name).read_bytes() for place in ("home", "archive")]
        assert found[0] == found[1]
    # The archive has the alignments of all speakers in one file.
    assert [path.name for path in sorted((tmp_path / "archive/corpus/s7").glob("*.align"))] == [
        "bbaf2n.align",
        "lbax4n.align",
    ]


def test_the_next_source_is_asked_for_what_the_first_lacks(host, tmp_path):
    host.trouble[VIDEO] = ["always 404"]
    report = fetch(host, tmp_path, layouts=(HOME, ARCHIVE))
    assert sorted(report["archives"]) == ["s7.tar", "s7.zip"]


def test_a_missing_speaker_is_said_in_one_sentence(host, tmp_path):
    with pytest.raises(UserError) as refusal:
        fetch(host, tmp_path, 9, layouts=(HOME, ARCHIVE), alignments=False)
    text = str(refusal.value)
    assert text.count("answers 404 Not Found") == 2 and "the clips of speaker s9" in text
    assert "leave 9 out of grid.speakers" in text and "\n" not in text
    with pytest.raises(UserError, match=r"the word times of speaker s9 .*set grid\.alignments: false"):
        fetch(host, tmp_path, 9)


def test_only_the_clips_that_are_used_are_kept_and_more_are_fetched_when_asked_for(host, tmp_path):
    assert fetch(host, tmp_path, clips_per_speaker=1)["clips"] == 1
    assert len(list((tmp_path / "corpus/s7").glob("*.mpg"))) == len(list((tmp_path / "corpus/s7").glob("*.align"))) == 1
    assert fetch(host, tmp_path)["clips"] == 2
    assert len(list((tmp_path / "corpus/s7").glob("*.mpg"))) == 2


def test_another_file_than_the_recorded_one_is_refused(host, tmp_path):
    fetch(host, tmp_path)
    record = tmp_path / "hashes/s7.mpg_vcd.zip.sha256"
    assert record.read_text() == f"{hashlib.sha256(host.files[VIDEO]).hexdigest()}  s7.mpg_vcd.zip\n"
    (tmp_path / "corpus/s7/fetched.json").unlink()
    host.files[VIDEO] = zip_of({"s7/bbaf2n.mpg": b"another"})
    with pytest.raises(UserError, match=r"another file than expected .*expected sha256: .*s7\.mpg_vcd\.zip\.sha256"):
        fetch(host, tmp_path)
    # A file that the user kept counts in a new folder too.
    (tmp_path / "grid.sha256").write_text(record.read_text())
    with pytest.raises(UserError, match=r"expected sha256: .*grid\.sha256"):
        fetch(host, tmp_path / "new", hashes=str(tmp_path / "grid.sha256"))
    assert not list((tmp_path / "new").rglob("*.mpg"))


def test_damage_in_transfer_is_noticed_without_a_known_hash(host, tmp_path):
    whole = host.files[VIDEO]
    host.files[VIDEO] = whole[:5000] + b"wrong" + whole[5005:]
    with pytest.raises(UserError, match=r"s7\.mpg_vcd\.zip is damaged .*run again to fetch it anew"):
        fetch(host, tmp_path)
    assert not list((tmp_path / "hashes").glob("*.zip.sha256"))
    host.files[VIDEO] = whole
    assert fetch(host, tmp_path)["clips"] == 2


def test_a_page_instead_of_an_archive_is_refused(host, tmp_path):
    host.trouble[VIDEO] = ["always page"]
    with pytest.raises(UserError, match="gives a web page instead of the file"):
        fetch(host, tmp_path)


def linked(kind: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("s7/bbaf2n.mpg")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return buffer.getvalue()


def zip_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("s7/bbaf2n.mpg")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (zip_of({"../../s7/bbaf2n.mpg": b"x"}), "which is no plain path below a folder"),
        (zip_of({"/s7/bbaf2n.mpg": b"x"}), "which is no plain path below a folder"),
        (tar_of({"../bbaf2n.mpg": b"x"}), "which is no plain path below a folder"),
        (tar_of({"s7\\bbaf2n.mpg": b"x"}), "which is no plain path below a folder"),
        (linked(tarfile.SYMTYPE), "which is a link"),
        (linked(tarfile.LNKTYPE), "which is a link"),
        (linked(tarfile.CHRTYPE), "which is a link, a device"),
        (zip_link(), "which is a link"),
        (zip_of({"s7/bbaf2n.mpg": bytes(2**24 + 1)}), "of 16777217 bytes, more than any of GRID"),
        (zip_of({"s7/bbaf2n.mpg": b"x", "video/bbaf2n.mpg": b"y"}), "has the sentence bbaf2n twice"),
        (
            zip_of({"s7/bbaf2n.wav": b"x", "s7/notes.mpg": b"y"}),
            r"has no \.mpg file of speaker s7 .*it holds 's7/bbaf2n\.wav'",
        ),
        (zip_of({"s8/bbaf2n.mpg": b"x"}), r"has no \.mpg file of speaker s7"),
        (tar_of({"s7/bbaf2n.mpg": b"x"})[:1024], "is damaged"),
        (tar_of({"s7/bbaf2n.mpg": bytes(5000)})[:2048], "is damaged"),
        (b"neither of them", "is neither a zip nor a tar"),
    ],
)
def test_archives_that_are_not_grid_are_refused_and_nothing_is_written(content, problem, tmp_path):
    (tmp_path / "s7.zip").write_bytes(content)
    with pytest.raises(UserError, match=problem):
        unpack(tmp_path / "s7.zip", tmp_path / "out/s7", 7, ".mpg", None)
    assert not [path for path in tmp_path.rglob("*") if path.name != "s7.zip" and path.is_file()]


def test_clips_are_found_anywhere_in_an_archive(tmp_path):
    files = {
        "deep/er/s7/video/mpg_6000/BBAF2N.MPG": b"x",
        "__MACOSX/s7/._lbax4n.mpg": b"",
        "__MACOSX/s7/lbax4n.mpg": b"",
    }
    for name, content in (("a.zip", zip_of(files)), ("a.tar", tar_of(files))):
        (tmp_path / name).write_bytes(content)
        done = unpack(tmp_path / name, tmp_path / "s7", 7, ".mpg", None)
        assert done.sentences == ("bbaf2n",) and len(done.left_out) == 2


def test_a_damaged_clip_fails_and_an_unusable_alignment_is_left_out(tmp_path):
    lay_out(tmp_path / "grid", {7: {"bbaf2n": b"no video at all", "notes": b"x"}})
    config = laid("grid")
    config |= {"grid": config["grid"] | {"path": str(tmp_path / "grid")}}
    shard = plan_shards(DATASET.list_clips(config), 9)[0]
    write_plan(tmp_path / "plan.json", "grid", shard)
    adopt_grid.main(SimpleNamespace(
        planning=None, plan=tmp_path / "plan.json", manifest=tmp_path / "source.json", settings={}, budget=BUDGET, membership="",
        dataset="grid",
    ))  # fmt: skip
    clips = {clip.clip: clip for clip in read_manifest(tmp_path / "source.json").clips}
    assert {name: (clip.status, clip.reason) for name, clip in clips.items()} == {
        "s7_bbaf2n": ("failed", "unreadable"), "s7_notes": ("failed", "unreadable"),
    }  # fmt: skip
    assert "is no sentence of GRID" in clips["s7_notes"].detail
