"""LRW's archive: whole, in parts, interrupted, cut short, altered and hostile."""

import io
import os
import random
import tarfile
from pathlib import Path

import pytest

from dheads_model.corpora.lrw import unpack
from dheads_model.corpora.lrw.parts import JoinedParts, record_parts, verify_parts
from dheads_model.corpora.lrw.unpack import extract_parts
from dheads_model.errors import UserError
from tests.lrw_fixtures import make_tree, pack, split


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A tree of clips of different sizes, of bytes that do not compress."""
    folder = tmp_path_factory.mktemp("corpus")
    root = make_tree(folder, media=b"")
    noise = random.Random(5)
    for number, path in enumerate(sorted(root.rglob("*.mp4"))):
        path.write_bytes(noise.randbytes(3000 + 512 * number))
    return root


@pytest.fixture(scope="module")
def archive(tree) -> bytes:
    return pack(tree)


def files_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def hostile(*members: tuple[str, bytes | None, dict], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of one sound clip, then of members (name, content, what differs from a regular file)."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for name, content, changes in (("lipread_mp4/ABOUT/val/ABOUT_00001.mp4", b"sound", {}), *members):
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            for key, value in changes.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(content or b""))
    return target.getvalue()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("compression", ["", "bz2"])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_parts_give_the_tree_and_nothing_else(tree, tmp_path, form, compression, count):
    parts = split(pack(tree, compression, form), tmp_path / "parts", count)
    seen = []
    done = extract_parts(parts, tmp_path / "out", seen.append)
    assert files_of(tmp_path / "out") == {f"lipread_mp4/{name}": content for name, content in files_of(tree).items()}
    assert (done.written, done.kept) == (22, 0)
    assert sum(seen) == len(pack(tree, "", form))
    assert sorted(os.listdir(tmp_path / "parts")) == sorted(part.name for part in parts)


def test_several_streams_of_bzip2_one_after_the_other_are_one_archive(tree, archive, tmp_path):
    import bz2

    half = len(archive) // 2
    parts = split(bz2.compress(archive[:half]) + bz2.compress(archive[half:]), tmp_path)
    assert extract_parts(parts, tmp_path / "out").written == 22


@pytest.mark.parametrize("compression", ["", "bz2"])
def test_an_interrupted_extraction_goes_on_without_writing_finished_files_again(
    tree, tmp_path, monkeypatch, compression
):
    parts = split(pack(tree, compression), tmp_path / "parts")
    replace, left = os.replace, [9]

    def stop_after_nine(source, destination):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(source, destination)

    monkeypatch.setattr(os, "replace", stop_after_nine)
    with pytest.raises(KeyboardInterrupt):
        extract_parts(parts, tmp_path / "out")
    monkeypatch.undo()
    out = tmp_path / "out/lipread_mp4"
    assert len(files_of(out)) == 9
    first = {path: path.stat().st_ino for path in out.rglob("*.mp4")}
    victim = sorted(first)[0]
    victim.write_bytes(b"cut")
    (out / ".unpacking.999999999.partial").write_bytes(b"of a killed process")
    done = extract_parts(parts, tmp_path / "out")
    assert (done.written, done.kept) == (22 - 8, 8)
    assert all(path.stat().st_ino == number for path, number in first.items() if path != victim)
    assert files_of(out) == files_of(tree)


@pytest.mark.parametrize(
    "name",
    ["/etc/x", "//lipread_mp4/x", "../x", "lipread_mp4/../../x", "lipread_mp4//x", "x", "lipread_mp4", "lipread_mp4x/x",
     "./../x", "lipread_mp4/./x", "lipread_mp4/a\\..\\x", "lipread_mp4/a\nb", ".", "", f"/etc/{'y' * 150}",
     f"lipread_mp4/../{'y' * 150}", f"lipread_mp4/{'y/' * 150}../x"],
)  # fmt: skip
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_member_that_would_lie_elsewhere_is_refused(tmp_path, name, form):
    (tmp_path / "lrw-v1.tar").write_bytes(hostile((name, b"bad", {}), form=form))
    with pytest.raises(UserError, match=r"^the archive holds .*not LRW as it was published"):
        extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out/deep")
    assert files_of(tmp_path / "out") == {"deep/lipread_mp4/ABOUT/val/ABOUT_00001.mp4": b"sound"}
    assert sorted(os.listdir(tmp_path)) == ["lrw-v1.tar", "out"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
    tarfile.CONTTYPE, b"Z"],
)  # fmt: skip
def test_links_devices_and_unknown_kinds_are_refused(tmp_path, kind):
    name = "lipread_mp4/ABOUT/val/ABOUT_00002.mp4"
    content = hostile((name, None, {"type": kind, "linkname": "/etc/passwd"}), (f"{name}/x", b"through the link", {}))
    (tmp_path / "lrw-v1.tar").write_bytes(content)
    with pytest.raises(UserError, match=r"ABOUT_00002\.mp4', which is a link, a device or another special file"):
        extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out")
    assert list(files_of(tmp_path / "out")) == ["lipread_mp4/ABOUT/val/ABOUT_00001.mp4"]


def test_a_file_larger_than_any_clip_is_refused_before_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "LARGEST_FILE", 1000)
    (tmp_path / "lrw-v1.tar").write_bytes(hostile(("lipread_mp4/A/val/A_00001.mp4", bytes(1001), {})))
    with pytest.raises(UserError, match="which has 1001 bytes, more than any clip"):
        extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out")
    assert len(files_of(tmp_path / "out")) == 1


def test_an_archive_that_grows_without_bound_is_stopped(tmp_path):
    import bz2

    bomb = hostile(*((f"lipread_mp4/A/val/A_{number:05d}.mp4", bytes(900_000), {}) for number in range(20)))
    (tmp_path / "lrw-v1.tar.bz2").write_bytes(bz2.compress(bomb))
    with pytest.raises(UserError, match="unpack to more than 4 times their size"):
        extract_parts([tmp_path / "lrw-v1.tar.bz2"], tmp_path / "out")
    assert sum(map(len, files_of(tmp_path / "out").values())) < 2**20 + 4 * len(bz2.compress(bomb))


def test_a_header_that_claims_to_be_huge_is_not_read_into_memory(tmp_path):
    content = hostile(("././@LongLink", b"x", {"type": tarfile.GNUTYPE_LONGNAME}))
    at = content.index(b"././@LongLink")
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**35
    (tmp_path / "lrw-v1.tar").write_bytes(content[:at] + header.tobuf(tarfile.GNU_FORMAT) + content[at + 512 :])
    with pytest.raises(UserError, match="a header of 34359738368 bytes"):
        extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out")


@pytest.mark.parametrize("compression", ["", "bz2"])
@pytest.mark.parametrize("missing", [1, 512, 1024, 3333])
@pytest.mark.parametrize("number", [0, 3, 6])
def test_a_part_that_was_cut_short_is_named_and_leaves_nothing_wrong_behind(
    tree, tmp_path, compression, missing, number
):
    parts = split(pack(tree, compression), tmp_path / "parts")
    whole = parts[number].read_bytes()
    # The tar ends in zeros, of which some may be lost.
    kept = max(0, len(whole) - missing - 9000 * (number == 6 and not compression))
    parts[number].write_bytes(whole[:kept])
    with pytest.raises(UserError, match=rf"{parts[number].name} is cut short: .*fetch it again"):
        extract_parts(parts, tmp_path / "out")
    original = {f"lipread_mp4/{name}": content for name, content in files_of(tree).items()}
    assert files_of(tmp_path / "out").items() <= original.items()
    parts[number].write_bytes(whole)
    extract_parts(parts, tmp_path / "out")
    assert files_of(tmp_path / "out") == original


@pytest.mark.parametrize("compression", ["", "bz2"])
def test_whatever_byte_is_wrong_the_answer_is_a_sentence(tree, tmp_path, compression):
    content = pack(tree, compression)
    chance = random.Random(2)
    refused = 0
    for trial in range(60):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 40))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        parts = split(bytes(damaged), tmp_path / f"{trial}", 3)
        try:
            extract_parts(parts, tmp_path / f"{trial}/out")
        except UserError as problem:
            refused += 1
            assert "\n" not in str(problem)
            # bzip2 has a checksum of each block: nothing wrong may stay.
            assert not compression or files_of(tmp_path / f"{trial}/out/lipread_mp4").items() <= files_of(tree).items()
    assert refused > (40 if compression else 10)


def test_files_before_a_hole_in_the_archive_are_not_trusted(tree, archive, tmp_path):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        place = tar.getmember("lipread_mp4/YOUNG/test/YOUNG_00050.mp4").offset
    # The end of one clip and the header of its text.
    holed = archive[: place - 2000] + b"Z" * 2512 + archive[place + 512 :]
    parts = split(holed, tmp_path / "parts", 1)
    with pytest.raises(UserError, match=r"lrw-v1-partaa is damaged .*fetch it again"):
        extract_parts(parts, tmp_path / "out")
    assert files_of(tmp_path / "out/lipread_mp4").items() <= files_of(tree).items()


def test_an_archive_that_stops_between_two_files_is_not_whole(tree, tmp_path):
    content = pack(tree)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        last = tar.getmembers()[-1]
        for end in (last.offset, last.offset_data + -(-last.size // 512) * 512):
            (tmp_path / "lrw-v1.tar").write_bytes(content[:end])
            with pytest.raises(UserError, match=r"lrw-v1.tar is cut short"):
                extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out")


def test_what_is_no_archive_and_what_is_not_there_is_said(tmp_path, archive):
    parts = split(archive, tmp_path)
    with pytest.raises(UserError, match=r"lrw-v1-partab begins neither a tar nor a tar.bz2.*in their order"):
        extract_parts(parts[1:], tmp_path / "out")
    with pytest.raises(UserError, match="no part of LRW was given"):
        extract_parts([], tmp_path / "out")
    parts[0].write_bytes(b"<!doctype html>".ljust(parts[0].stat().st_size))
    with pytest.raises(UserError, match="begins neither"):
        extract_parts(parts, tmp_path / "out")
    parts[2].unlink()
    with pytest.raises(UserError, match="partac is not there"):
        extract_parts(parts, tmp_path / "out")
    (tmp_path / "lrw-v1.tar").write_bytes(pack(make_tree(tmp_path / "empty", {("A", "val"): ()})))
    with pytest.raises(UserError, match="archive without files"):
        extract_parts([tmp_path / "lrw-v1.tar"], tmp_path / "out")


def test_a_target_that_cannot_be_written_is_said(tmp_path, archive):
    parts = split(archive, tmp_path)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"out.* cannot be written"):
        extract_parts(parts, tmp_path / "out")
    (tmp_path / "other/lipread_mp4").mkdir(parents=True)
    (tmp_path / "other/lipread_mp4/ABOUT").write_text("a file")
    with pytest.raises(UserError, match=r"ABOUT_\d+.* cannot be written .*extracted files are kept"):
        extract_parts(parts, tmp_path / "other")


def test_the_first_download_is_recorded_and_later_ones_must_agree(tmp_path, archive):
    parts = split(archive, tmp_path)
    assert not verify_parts(parts)
    record_parts(parts[:1])
    with pytest.raises(UserError, match="does not list lrw-v1-partab"):
        extract_parts(parts, tmp_path / "out")
    record_parts(parts)
    assert verify_parts(parts)
    record = (tmp_path / "lrw-v1-parts.sha256").read_text()
    assert [line.split("  ")[1] for line in record.splitlines()] == [part.name for part in parts]
    content = parts[3].read_bytes()
    parts[3].write_bytes(content[:-1] + b"!")
    for check in (record_parts, verify_parts, lambda parts: extract_parts(parts, tmp_path / "out")):
        with pytest.raises(UserError, match=r"lrw-v1-partad is not the file that lrw-v1-parts.sha256 recorded"):
            check(parts)
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "lrw-v1-parts.sha256").read_text() == record
    parts[3].write_bytes(content)
    assert extract_parts(parts, tmp_path / "out").written == 22
    (tmp_path / "lrw-v1-parts.sha256").write_text("something else\n")
    with pytest.raises(UserError, match="has the line 'something else'"):
        verify_parts(parts)


def test_joined_parts_read_and_seek_as_one_file(tmp_path):
    content = bytes(range(100))
    with JoinedParts(split(content, tmp_path)) as joined:
        assert joined.read() == content
        for place in (99, 0, 14, 15, 16, 44, 100):
            joined.seek(place)
            assert joined.read(1) == content[place : place + 1]
            joined.seek(place)
            assert joined.readall() == content[place:]
        assert [joined.part_at(place) for place in (0, 14, 15, 99, 1000)] == [0, 0, 1, 6, 6]
    with JoinedParts(split(content, tmp_path)) as joined:
        (tmp_path / "lrw-v1-partaa").write_bytes(content[:15] + b"!" * 85)
        assert joined.read() == content
