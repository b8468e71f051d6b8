"""Nothing half-written is ever used, every clip is accounted for, tars are checked."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.files import atomic_path, sha256_of, write_json, write_text
from dheads_model.manifest import (
    Budget,
    Manifest,
    Outcome,
    process_clips,
    read_manifest,
    store_files,
    verify_file,
    write_manifest,
)
from dheads_model.shards.tar import read_tar, write_tar

MEMBERS = [("a.mp4", b"1" * 700), ("a.json", b"{}"), ("b.mp4", b"2" * 1024)]


def manifest(outcomes, files=()):
    return Manifest("stage", "data", "train", "00000", {}, tuple(outcomes), tuple(files))


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "x.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_numbers_that_json_does_not_have_are_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_kill_in_the_middle_of_a_tar_leaves_nothing_that_is_used(tmp_path):
    code = textwrap.dedent("""
        import sys, time
        from dheads_model.shards.tar import write_tar
        def members():
            for number in range(10**6):
                yield f"c{number:07d}.bin", b"x" * 4096
                time.sleep(0.001)
        write_tar(sys.argv[1], members())
    """)
    target = tmp_path / "s.tar"
    process = subprocess.Popen([sys.executable, "-c", code, str(target)])
    deadline = time.monotonic() + 120
    while not any(path.stat().st_size > 50_000 for path in tmp_path.iterdir()):
        assert time.monotonic() < deadline, "the tar never grew"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    write_tar(target, MEMBERS)
    assert dict(read_tar(target)) == dict(MEMBERS)
    assert [path.name for path in tmp_path.iterdir()] == ["s.tar"], (
        "the killed process' rubbish is swept by the next write"
    )


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path):
    def full(clip, item):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"a machine error occurred at clip a: .*No space left on device"):
        process_clips([("a", None)], full)

    def members():
        yield MEMBERS[0]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        write_tar(tmp_path / "s.tar", members())
    assert not list(tmp_path.iterdir())


def test_equal_members_give_equal_bytes_and_another_order_others(tmp_path):
    for name, members in (("a", MEMBERS), ("b", MEMBERS), ("c", MEMBERS[::-1])):
        write_tar(tmp_path / name, iter(members))
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b") != sha256_of(tmp_path / "c")
    with pytest.raises(ValueError, match="written twice"):
        write_tar(tmp_path / "d", [MEMBERS[0], MEMBERS[0]])


def test_a_tar_cut_anywhere_in_its_content_is_refused(tmp_path):
    write_tar(tmp_path / "s.tar", MEMBERS)
    whole = (tmp_path / "s.tar").read_bytes()
    end = len(whole.rstrip(b"\0"))
    content = -(-end // 512) * 512 + 1024  # the last block with content, then the two zero blocks that end a tar
    for length in [*range(0, content, 97), 512, 1024, 1536, content - 512, content - 1]:
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(UserError, match="truncated or damaged"):
            list(read_tar(tmp_path / "cut.tar"))


def test_webdataset_reads_our_tars(tmp_path):
    import webdataset

    write_tar(tmp_path / "s.tar", MEMBERS)
    found = list(webdataset.WebDataset(str(tmp_path / "s.tar"), shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in found] == ["a", "b"]
    assert found[0]["json"] == b"{}"


def test_a_bad_clip_never_stops_the_others():
    def work(clip, item):
        if clip == "b":
            raise ClipFiltered("no_face", "nobody")
        if clip == "c":
            raise ClipFailed("damaged", "cut")
        if clip == "d":
            raise ZeroDivisionError
        return {"n": item}

    outcomes = process_clips([(name, 1) for name in "abcde"], work)
    assert [outcome.status for outcome in outcomes] == ["ok", "filtered", "failed", "failed", "ok"]
    assert outcomes[3].reason == "crashed"


def test_reasons_come_from_the_vocabulary():
    with pytest.raises(ValueError, match="not allowed"):
        Outcome("a", "failed", "bad luck")
    with pytest.raises(ValueError, match="FILTER_REASONS"):
        ClipFiltered("boring")


def test_manifest_survives_the_disk_and_refuses_wrong_counts(tmp_path):
    path = tmp_path / "m.json"
    write_manifest(path, manifest([Outcome("b", "ok"), Outcome("a", "filtered", "no_face")]))
    back = read_manifest(path)
    assert [outcome.clip for outcome in back.clips] == ["a", "b"]
    assert back.count("filtered") == 1
    path.write_text(path.read_text().replace('"ok": 1', '"ok": 2'))
    with pytest.raises(UserError, match="not a usable manifest"):
        read_manifest(path)
    with pytest.raises(ValueError, match="accounted for twice"):
        write_manifest(path, manifest([Outcome("a", "ok"), Outcome("a", "ok")]))


def test_an_altered_or_missing_file_is_refused(tmp_path):
    data = tmp_path / "deep" / "x.bin"
    data.parent.mkdir()
    data.write_bytes(b"12345")
    stored = store_files([data], tmp_path / "m.json")[0]
    assert stored.name == "deep/x.bin"
    assert verify_file(tmp_path / "m.json", stored) == tmp_path / "deep/x.bin"
    data.write_bytes(b"12346")
    with pytest.raises(UserError, match="truncated or altered"):
        verify_file(tmp_path / "m.json", stored)
    data.unlink()
    with pytest.raises(UserError, match="is missing"):
        verify_file(tmp_path / "m.json", stored)


def test_more_bad_clips_than_the_budget_stop_the_stage_with_one_sentence(tmp_path):
    budget = Budget(always_allowed=1, failed_fraction=0.25, filtered_fraction=0.5, strict=True)
    bad = [Outcome(f"c{i}", "failed", "damaged", "cut") for i in range(3)]
    good = [Outcome(f"g{i}", "ok") for i in range(5)]
    with pytest.raises(
        UserError, match=r"stage lost 3 of 8 clips of shard 00000 \(failed: damaged\).*allows 2.*c0 \(cut\)"
    ):
        write_manifest(tmp_path / "m.json", manifest(bad + good), budget)
    assert not (tmp_path / "m.json").exists()
    write_manifest(tmp_path / "m.json", manifest([*bad[:2], *good, Outcome("h", "ok")]), budget)
    write_manifest(tmp_path / "m.json", manifest(bad[:1]), budget)


def test_a_budget_that_is_not_strict_warns_and_writes_the_manifest(tmp_path, caplog):
    budget = Budget(always_allowed=1, failed_fraction=0.25, filtered_fraction=0.5, strict=False)
    write_manifest(
        tmp_path / "m.json", manifest([Outcome(f"c{i}", "failed", "damaged", "cut") for i in range(3)]), budget
    )
    assert read_manifest(tmp_path / "m.json").count("failed") == 3
    assert "lost 3 of 3 clips" in caplog.text and "allows 1" in caplog.text
