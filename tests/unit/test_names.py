"""Names of files and folders in any script, and of any kind, become ids that are unique and stay what they are."""

import os
import random
import re
import unicodedata

import pytest

from dheads_model.corpora.folder import list_clips
from dheads_model.corpora.plan import plan_shards, write_plan
from dheads_model.errors import UserError
from tests.factories.corpora import SETTINGS, TIMES, listed, put
from tests.media_fixtures import write_media


def ids(folder, **settings):
    return {os.path.relpath(clip.path, folder): clip.clip for clip in listed(folder, **settings)}


def speakers(folder):
    return {os.path.relpath(clip.path, folder): clip.speaker for clip in listed(folder)}


def test_ids_of_plain_names_are_as_they_were(tmp_path):
    put(tmp_path, "anna/one.mp4", "anna/b c.v2.MOV", "d-e_1.mkv", "x (1)/y.avi")
    assert ids(tmp_path) == {
        "anna/one.mp4": "anna_one", "anna/b c.v2.MOV": "anna_b_c_v2", "d-e_1.mkv": "d-e_1", "x (1)/y.avi": "x__1__y",
    }  # fmt: skip
    assert set(speakers(tmp_path).values()) == {"anna", "d-e_1", "x__1_"}


def test_names_of_other_scripts_are_told_apart(tmp_path):
    names = ("采访.mpg", "新闻.mpg", "Интервью.mp4", "Новости.mp4", "مقابلة.mp4", "🎬.mp4", "🎤.mp4", "é.mp4", "è.mp4")
    put(tmp_path, *names)
    found = ids(tmp_path)
    assert len({name.casefold() for name in found.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for name in found.values())
    put(tmp_path, "体育.mpg", "another.mp4")
    assert found.items() <= ids(tmp_path).items(), "a new clip changes none of the old ids"


def test_speakers_are_never_merged(tmp_path):
    folders = ("Müller", "Möller", "张伟", "王芳", "李娜", "c d", "c_d", "Anna", "anna", "solo")
    put(tmp_path, *(f"{folder}/{number}.mp4" for folder in folders for number in (1, 2)), "solo.mp4")
    found = speakers(tmp_path)
    assert len({name.casefold() for name in found.values()}) == len(folders) + 1
    for folder in folders:
        assert found[f"{folder}/1.mp4"] == found[f"{folder}/2.mp4"]
    assert found["solo.mp4"] != found["solo/1.mp4"]


def test_composed_and_decomposed_letters_are_one_name(tmp_path):
    name = "Zoë Müller/été"
    composed = put(tmp_path / "a", unicodedata.normalize("NFC", f"{name}.mp4"))
    decomposed = put(tmp_path / "b", unicodedata.normalize("NFD", f"{name}.mp4"))
    (one,), (other,) = listed(composed), listed(decomposed)
    assert (one.clip, one.speaker) == (other.clip, other.speaker)
    (decomposed / "t.csv").write_text(f"clip,speaker\n{unicodedata.normalize('NFC', name)}.mp4,p\n", encoding="utf-8")
    assert listed(decomposed, table="t.csv")[0].speaker == "p"
    both = put(tmp_path / "both", *(unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")))
    assert len(set(ids(both).values())) == 2


def test_alike_names_are_told_apart_and_keep_their_ids(tmp_path):
    put(tmp_path, "a.mpg", "a.mpeg", "b c.mp4", "b_c.mp4", "A.mp4", "lone.mp4")
    found = ids(tmp_path)
    assert len({name.casefold() for name in found.values()}) == 6
    assert found["lone.mp4"] == "lone"
    assert re.fullmatch(r"a-[0-9a-f]{12}", found["a.mpg"])
    put(tmp_path, f"{found['a.mpg']}.mp4")
    again = ids(tmp_path)
    assert len({name.casefold() for name in again.values()}) == 7
    (tmp_path / "t.csv").write_text("clip\na\n")
    with pytest.raises(UserError, match=r"names clip 'a', which may be a\.mpeg or a\.mpg; write the whole path"):
        listed(tmp_path, table="t.csv")


def test_random_names(tmp_path):
    """Names of 1 to 60 characters of many scripts, in up to three folders, some of bytes that are no UTF-8."""
    chance = random.Random(0)
    alphabet = [chr(code) for low, high in ((33, 126), (0xA1, 0x24F), (0x370, 0x5FF), (0x4E00, 0x4E40), (0x1F600, 0x1F640))
                for code in range(low, high) if chr(code) not in "/." and chr(code).isprintable()]  # fmt: skip
    made = set()
    for number in range(400):
        parts = ["".join(chance.choices(alphabet, k=chance.randint(1, 20))) for _ in range(chance.randint(1, 3))]
        name = os.fsencode("/".join(parts))[:200] if number % 7 == 0 else os.fsencode("/".join(parts))
        path = os.path.join(os.fsencode(tmp_path), name + (b"\xff" if number % 11 == 0 else b"") + b".mp4")
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb"):
                made.add(path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    clips = list_clips(SETTINGS, str(tmp_path), all_test=True)
    assert len(clips) == len(made) > 300
    assert len({clip.clip.casefold() for clip in clips}) == len(made)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name) for clip in clips for name in (clip.clip, clip.speaker))
    assert clips == list_clips(SETTINGS, str(tmp_path), all_test=True)
    assert sum("unusable" in clip.extra for clip in clips) >= 20
    for shard in plan_shards(clips, 50):
        write_plan(tmp_path / f"{shard.shard}.json", "folder", shard)


def test_what_cannot_be_used_fails_with_its_reason_and_the_rest_goes_on(adopted, tmp_path):
    clips = tmp_path / "clips"
    write_media(clips / "张伟.mp4", TIMES, 3, click=0.1)
    write_media(clips / "plain.mp4", TIMES, 3, click=0.1)
    with open(os.path.join(os.fsencode(clips), b"caf\xe9.mp4"), "wb") as stream:
        stream.write(b"x")
    os.symlink(clips / "gone.mp4", clips / "link.mp4")
    os.symlink(clips / "loop.mp4", clips / "loop.mp4")
    os.mkfifo(clips / "pipe.mp4")
    outcomes = adopted().clips
    found = {outcome.clip.split("-")[0]: (outcome.reason or outcome.status, outcome.detail) for outcome in outcomes}
    assert {name: reason for name, (reason, _) in found.items()} == {
        "__": "ok", "plain": "ok", "caf_": "unreadable", "link": "missing_file", "loop": "unreadable", "pipe": "missing_file",
    }  # fmt: skip
    assert r"caf\xe9.mp4: its name is no UTF-8 text; rename it" in found["caf_"][1]
