"""The benchmark of preparation compares ways on the same frames, in turns."""

import pytest

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from workflow_scripts.benchmarks.preparation import bare_loop, comparable, seconds_of


def takes(frames, seen=None, name=""):
    """A way that sees as many frames as `frames` says of a clip, or raises it."""

    def way(clip, facts):
        if seen is not None:
            seen.append((name, clip))
        if isinstance(frames[clip], Exception):
            raise frames[clip]
        return frames[clip]

    return way


CLIPS = [(name, {}) for name in "abcd"]


def test_clips_that_are_rejected_or_seen_otherwise_are_left_out():
    bare = takes({"a": 10, "b": 20, "c": 30, "d": 40})
    ours = takes({"a": 10, "b": ClipFiltered("no_face"), "c": 29, "d": ClipFailed("damaged")})
    used, frames = comparable({"bare": bare, "ours": ours}, CLIPS)
    assert used == CLIPS[:1]
    assert frames == {"a": 10}


def test_nothing_to_compare_is_said():
    with pytest.raises(UserError, match="No clip can be prepared"):
        comparable({"ours": takes(dict.fromkeys("abcd", ClipFiltered("no_face")))}, CLIPS)


def test_each_way_begins_as_often_as_the_other():
    seen = []
    ways = {name: takes(dict.fromkeys("abcd", 1), seen, name) for name in ("bare", "ours")}
    rows = seconds_of(ways, CLIPS, rounds=2)
    assert [set(row) for row in rows] == [{"bare", "ours"}] * 2
    assert all((seconds >= 0).all() and seconds.shape == (2,) for row in rows for seconds in row.values())
    first = [name for name, _ in seen[::2]]
    assert [clip for _, clip in seen[::2]] == [clip for _, clip in seen[1::2]] == list("abcdabcd")
    assert first == ["ours", "bare"] * 2 + ["bare", "ours"] * 2


def test_a_file_that_decord_does_not_read_is_unreadable(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")

    class Mesh:
        def reset(self):
            pass

    with pytest.raises(ClipFailed, match="unreadable: decord stops"):
        bare_loop(str(tmp_path / "a.mp4"), Mesh())
