"""Files that name other files are no clips, and what is quoted in a sentence is of the folder that was given."""

import pytest

from dheads_model.corpora.folder import list_clips
from dheads_model.errors import ClipFailed, UserError
from dheads_model.media.audio import load_speech
from dheads_model.media.container import probe
from dheads_model.media.video import decode_video
from tests.factories.corpora import SETTINGS
from tests.media_fixtures import write_media

TIMES = [number / 25 for number in range(10)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.mp4", "ffconcat version 1.0\nfile {inside}\n"),
        ("list.mp4", "ffconcat version 1.0\nfile inner.mp4\nfile inner.mp4\n"),
        ("play.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ninner.mp4\n#EXT-X-ENDLIST\n"),
        ("session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"),
    ],
)
def test_a_text_that_names_other_files_is_no_clip(tmp_path, name, text):
    inside = write_media(tmp_path / "inner.mp4", TIMES, 3, click=0.1)
    path = tmp_path / name
    path.write_text(text.format(inside=inside))
    for reads in (probe, decode_video, load_speech):
        with pytest.raises(ClipFailed, match="unreadable"):
            reads(path)
    assert probe(inside).width == 160


def test_a_table_outside_of_the_folder_is_not_quoted(tmp_path):
    (tmp_path / "secret").write_text("root:x:0:0\n")
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "one.mp4").write_bytes(b"x")
    (clips / "t.csv").symlink_to(tmp_path / "secret")
    for table in ("t.csv", "../secret", str(tmp_path / "secret")):
        with pytest.raises(UserError, match=r"lies outside of .*; copy it there") as caught:
            list_clips(SETTINGS | {"table": table}, str(clips), all_test=True)
        assert "root:x" not in str(caught.value)
