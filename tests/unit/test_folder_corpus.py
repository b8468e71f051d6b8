"""Folders and tables as people have them: links, long names, spreadsheets' exports."""

import os
import re

import pytest

from dheads_model.errors import UserError
from tests.factories.corpora import listed, put


def test_linked_folders_are_followed_and_a_loop_ends(tmp_path):
    put(tmp_path / "elsewhere", "anna/one.mp4")
    mine = put(tmp_path / "mine", "ben/two.mp4")
    os.symlink(tmp_path / "elsewhere", mine / "linked")
    os.symlink(mine, mine / "ben" / "loop")
    assert [clip.clip for clip in listed(mine)] == ["ben_two", "linked_anna_one"]


def test_a_link_to_nothing_is_planned_and_stops_no_other(tmp_path):
    os.symlink(tmp_path / "gone.mp4", put(tmp_path, "one.mp4") / "two.mp4")
    os.symlink(tmp_path / "loop.mp4", tmp_path / "loop.mp4")
    found = {clip.clip: clip.extra for clip in listed(tmp_path)}
    assert set(found) == {"one", "two", "loop"}
    assert found["two"] == {} and "cannot be read" in found["loop"]["unusable"]


def test_ids_of_long_and_foreign_names_fit_into_a_tar(tmp_path):
    long = "a recording with a very long name " * 5
    clips = listed(put(tmp_path, f"{long}1.mp4", f"{long}2.mp4", "Müller/été (1).mp4"))
    ids = [clip.clip for clip in clips]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in ids)
    assert [name for name in ids if re.fullmatch(r"M_ller__t___1_-[0-9a-f]{12}", name)]
    assert all(re.fullmatch(r"M_ller-[0-9a-f]{12}", clip.speaker) for clip in clips if "ller" in clip.clip)


def test_the_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(put(tmp_path, "videos/one.mp4")))
    assert [clip.path for clip in listed("~/videos")] == [str(tmp_path / "videos/one.mp4")]


def test_a_spreadsheets_table_with_mark_spaces_and_missing_cells_is_read(tmp_path):
    put(tmp_path, "one.mp4", "two.mp4")
    text = '\ufeffclip, speaker,transcript\r\none.mp4 , p1 ,"well, hello"\r\ntwo.mp4\r\n'
    (tmp_path / "t.csv").write_bytes(text.encode())
    one, two = listed(tmp_path, table="t.csv")
    assert (one.speaker, one.transcript) == ("p1", "well, hello")
    assert (two.speaker, two.transcript) == ("two", "")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (b"clip;speaker\none.mp4;p\n", "line 1 separates columns with another sign"),
        (b"clip,transcript\none.mp4,well, hello\n", "line 2 has more cells than the first line has columns"),
        ("clip,transcript\none.mp4,grüß\n".encode("latin-1"), "is not UTF-8 text"),
        (b"clip,split\none.mp4,Train\n", "line 2 has split 'Train'.*did you mean train"),
        (b"clip,speaker\none.mp4,p\n\n\nthree.mp4,p\n", "line 5 names clip 'three.mp4'"),
        (b"", "has no column clip"),
    ],
)
def test_a_table_that_is_no_such_table_is_answered_in_one_sentence(tmp_path, table, sentence):
    put(tmp_path, "one.mp4")
    (tmp_path / "t.csv").write_bytes(table)
    with pytest.raises(UserError, match=sentence) as caught:
        listed(tmp_path, table="t.csv")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"folder\.table names t\.csv, which is not in"):
        listed(put(tmp_path, "one.mp4"), table="t.csv")


def test_the_listing_does_not_depend_on_the_order_of_the_disk(tmp_path, monkeypatch):
    put(tmp_path, "b/1.mp4", "a/2.mp4", "c.mp4", "a/1.MPG")
    before = listed(tmp_path)
    real = os.walk

    def backwards(*given, **more):
        for folder, subfolders, names in real(*given, **more):
            subfolders.reverse()
            yield folder, subfolders, names[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    assert listed(tmp_path) == before
    assert [clip.clip for clip in before] == ["a_1", "a_2", "b_1", "c"]
