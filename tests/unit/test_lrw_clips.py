"""What LRW promises of a clip: its text, its frames and its sound; and the credentials with which it is fetched."""

from pathlib import Path

import numpy as np
import pytest

from dheads_model.corpora.lrw.check import check_clip
from dheads_model.corpora.lrw.credentials import read_credentials
from dheads_model.corpora.lrw.layout import CLIP_SECONDS, parse_name
from dheads_model.corpora.lrw.metadata import read_word_seconds, word_span
from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.media.audio import read_audio
from tests.lrw_fixtures import clip_bytes, make_tree, text
from tests.media_fixtures import write_media


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "ABOUT_00001.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (text(0.28), 0.28),
        (text(0.28).rstrip("\n"), 0.28),
        (text(0.4).replace("\n", "\r\n") + "\r\n\r\n", 0.4),
        ("\ufeffDisk: ä\n\n  duration :  .5   Seconds  \n", 0.5),
        ("a\nb\nc\nd\nDuration: 1.16", 1.16),
        (b"\xff\xfe\x00\nDuration: 0.1 seconds", 0.1),
    ],
)
def test_the_words_duration_is_read_as_the_published_loaders_do(written, content, seconds):
    assert read_word_seconds(written(content)) == seconds


@pytest.mark.parametrize(
    "last",
    ["", "Duration:", "Duration: long seconds", "Duration: nan seconds", "Duration: -1 seconds", "Duration: 0 seconds",
     "Duration: 1.2 seconds", "Duration: 0.3 minutes", "Start: 0.3 seconds", "Duration: 0.3 seconds" + " " * 70_000],
)  # fmt: skip
def test_a_text_without_a_usable_duration_is_damaged(written, last):
    with pytest.raises(ClipFailed, match=r"ABOUT_00001\.txt") as caught:
        read_word_seconds(written(f"Channel: 1\n{last}"))
    assert caught.value.reason == "damaged"


def test_a_missing_text_is_said_to_be_missing(tmp_path):
    with pytest.raises(ClipFailed) as caught:
        read_word_seconds(tmp_path / "ABOUT_00001.txt")
    assert caught.value.reason == "missing_file"


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(0.01, (14, 15)), (0.08, (13, 16)), (0.28, (11, 18)), (0.3, (11, 18)), (0.4, (9, 20)), (0.56, (7, 22)), (1.16, (0, 29))],
)  # fmt: skip
def test_the_words_frames_are_those_whose_middle_lies_in_it(seconds, span):
    assert word_span(seconds) == span
    inside = [k for k in range(29) if abs((k + 0.5) / 25 - CLIP_SECONDS / 2) <= seconds / 2 + 1e-6]
    assert (inside[0], inside[-1] + 1) == span


def test_a_word_longer_than_the_clip_has_no_span():
    for seconds in (0, -1, 1.17, float("nan")):
        with pytest.raises(ValueError, match="cannot last"):
            word_span(seconds)


def test_the_word_is_in_the_name_and_an_odd_name_is_no_clip():
    assert parse_name("ABOUT_00001") == ("ABOUT", "00001")
    for name in ("about_00001", "ABOUT_1", "ABOUT", "ABOUT_00001\n", "ABOUT_٠٠٠٠١"):
        assert parse_name(name) is None


def test_a_real_clip_has_29_frames_and_its_sound_from_the_first_picture_on(tmp_path):
    clip = make_tree(tmp_path, {("ABOUT", "test"): (1,)}) / "ABOUT/test/ABOUT_00001.mp4"
    facts = check_clip(clip)
    assert (facts.frames, facts.samples, facts.width, facts.height) == (29, 18_560, 256, 256)
    assert (facts.decoded_samples, facts.padded_samples) == (19_456, 0)
    # The click of the fixture begins with frame 14.
    assert abs(int(np.abs(read_audio(clip, facts.start, 29).astype(int)).argmax()) - 14 * 640) < 70


@pytest.mark.parametrize(
    ("media", "error", "reason"),
    [
        ({"frames": 28, "sounding": 28}, ClipFiltered, "too_short"),
        ({"frames": 30, "sounding": 30}, ClipFiltered, "too_long"),
        ({"sounding": 0}, ClipFiltered, "no_audio"),
        ({"sounding": 20}, ClipFailed, "damaged"),
    ],
)
def test_a_clip_that_is_not_lrw_is_refused_with_its_reason(tmp_path, media, error, reason):
    (tmp_path / "ABOUT_00001.mp4").write_bytes(clip_bytes(size=64, **media))
    with pytest.raises(error) as caught:
        check_clip(tmp_path / "ABOUT_00001.mp4")
    assert caught.value.reason == reason
    assert "ABOUT_00001.mp4" in caught.value.detail


def test_29_frames_at_another_rate_damage_and_absence_are_told_apart(tmp_path):
    other = write_media(
        tmp_path / "a.mp4", [k / 30 for k in range(29)], 14, click=0.4, audio_rate=16_000, audio_seconds=1.2
    )
    whole = clip_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    for name, reasons in (
        (other, {"source_changed"}),
        ("b.mp4", {"unreadable", "damaged"}),
        ("c.mp4", {"missing_file"}),
    ):
        with pytest.raises(ClipFailed) as caught:
            check_clip(tmp_path / name)
        assert caught.value.reason in reasons


def test_sound_that_lacks_less_than_a_block_is_padded(tmp_path):
    (tmp_path / "a.mp4").write_bytes(clip_bytes(size=64, sounding=28))
    facts = check_clip(tmp_path / "a.mp4")
    assert facts.samples == 18_560
    assert 0 < facts.padded_samples == 18_560 - facts.decoded_samples <= 1024


def test_credentials_come_from_the_environment_and_never_show():
    found = read_credentials({"LRW_USER": "someone", "LRW_PASSWORD": "s3cret"})
    assert found.login() == ("someone", "s3cret")
    assert "s3cret" not in f"{found!r} {found} {[found]}"
    assert "someone" in repr(found)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "variables LRW_USER and LRW_PASSWORD"),
        ({"LRW_USER": "someone"}, "variable LRW_PASSWORD:"),
        ({"LRW_USER": " ", "LRW_PASSWORD": "s3cret"}, "variable LRW_USER:"),
    ],
)
def test_a_missing_credential_is_one_sentence_that_shows_the_way(environ, named):
    with pytest.raises(UserError, match=rf"{named}.*https://www.bbc.co.uk/rd/.*lrw\.path.*lipread_mp4") as caught:
        read_credentials(environ)
    assert "s3cret" not in str(caught.value)
