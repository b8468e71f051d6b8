"""GRID before anything is opened: names, word times, files of a folder, splits and shards by speaker."""

import os

import pytest

from dheads_model.corpora.datasets.grid import DATASET
from dheads_model.corpora.grid.alignment import read_words
from dheads_model.corpora.grid.cut import Cut, choose, cut_shards, outline_speakers
from dheads_model.corpora.grid.layout import find_files
from dheads_model.corpora.grid.names import SPEAKERS, sentence_of, speaker_in
from dheads_model.corpora.plan import PlannedClip, outline
from dheads_model.errors import UserError
from tests.factories.configs import laid
from tests.grid_fixtures import alignment, lay_out
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.shards import outline_dataset, plan_dataset

CUT = Cut((1, 2, 20, 22), (9, 23, 27, 34), None, 125)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("bbaf2n", "bin blue at f two now"),
        ("swwy2n", "set white with y two now"),
        ("lwbsza", "lay white by s zero again"),
        ("pria9p", "place red in a nine please"),
        ("bbaw2n", None),  # GRID has no w among its letters
        ("bbaf0n", None),
        ("bbaf2", None),
        ("Thumbs", None),
    ],
)
def test_the_name_of_a_clip_is_its_sentence(code, sentence):
    assert sentence_of(code) == sentence


def test_a_folder_names_a_speaker_and_the_innermost_counts():
    assert speaker_in(["grid", "s7", "video", "mpg_6000"]) == 7
    assert speaker_in(["s1", "S34.mpg_vcd"]) == 34
    assert speaker_in(["set", "s35", "s0", "align"]) is None


def test_word_times_are_in_units_of_a_25000th_of_a_second():
    text = "0 14500 sil\n14500 19500 bin\n19500 24500 blue\n24500 28000 by\n28000 31750 m\n31750 35750 one\n35750 45000 soon\n"
    words = read_words(text + "45000 74500 sil\n", "bin blue by m one soon")
    assert words[0] == (0.58, 0.78, "bin") and words[-1] == (1.43, 1.8, "soon")
    assert len(words) == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            alignment("bbaf2n"),
            "its words are 'bin blue at f two now', the name of the clip says 'bin blue by m one soon'",
        ),
        ("0 14500 sil\n14500 bin\n", "line 2 is '14500 bin'"),
        ("0 14500 sil\n100 20000 bin\n", "line 2 goes back in time"),
    ],
)
def test_an_alignment_of_another_sentence_is_refused(text, problem):
    with pytest.raises(UserError, match=problem):
        read_words(text, "bin blue by m one soon")


@pytest.mark.parametrize("videos", ["", "video", "video/mpg_6000"])
def test_clips_are_found_in_the_layouts_of_all_copies(tmp_path, videos):
    lay_out(tmp_path, {1: {"bbaf2n": b"1"}, 34: {"swwy2n": b"34"}}, videos)
    (tmp_path / "unknown").mkdir()
    (tmp_path / "unknown/bbal6n.mpg").touch()
    (tmp_path / "s1/._bbaf2n.mpg").touch()
    found = find_files(tmp_path)
    assert {speaker: list(files.videos) for speaker, files in found.items()} == {1: ["bbaf2n"], 34: ["swwy2n"]}
    assert all(files.alignments.keys() == files.videos.keys() for files in found.values())
    assert list(find_files(tmp_path / "s1")) == [1]


def test_a_sentence_twice_is_refused(tmp_path):
    lay_out(tmp_path, {1: {"bbaf2n": b"1"}}, "video")
    lay_out(tmp_path, {1: {"bbaf2n": b"1"}}, "video/mpg_6000")
    with pytest.raises(
        UserError, match=r"bbaf2n\.mpg of speaker s1 twice, s1/video/bbaf2n\.mpg and s1/video/mpg_6000/"
    ):
        find_files(tmp_path)


def test_speakers_of_test_and_validation_are_unseen_in_training():
    outlines = outline_speakers(CUT, SPEAKERS, True)
    assert len(outlines) == 33 * 8
    assert {split: sum(one.clips for one in outlines if one.split == split) for split in ("train", "val", "test")} == {
        "train": 25_000, "val": 4_000, "test": 4_000,
    }  # fmt: skip
    assert [one.shard for one in outline_speakers(CUT, [2], True)] == [f"{number:05d}" for number in range(8, 16)]


@pytest.mark.parametrize("size", [1, 125, 1000])
def test_one_more_speaker_changes_no_shard_of_the_others(size):
    cut = Cut((1,), (9,), None, size)
    before = outline_speakers(cut, [1, 9, 30], True)
    after = outline_speakers(cut, [1, 2, 9, 30, 34], True)
    assert set(before) < set(after)
    assert len({one.shard for one in after}) == len(after)
    assert all(len(one.shard) == 5 for one in after)


@pytest.mark.parametrize(("size", "limit"), [(1, None), (7, 20), (125, None), (1000, 50)])
def test_outlined_shards_are_those_that_a_whole_speaker_is_cut_into(size, limit):
    cut = Cut((1,), (9,), limit, size)
    chosen = choose([f"s3_{number:04d}" for number in range(1000)], limit)
    clips = [PlannedClip(name, "s3", "train") for name in chosen]
    assert len(clips) == (limit or 1000)
    outlines = outline_speakers(cut, [3], True)
    for as_outlined in (True, False):
        shards = cut_shards(clips, cut, as_outlined)
        assert sorted(clip.clip for shard in shards for clip in shard.clips) == sorted(chosen)
        assert {shard.shard: (shard.split, len(shard.clips)) for shard in shards} == {
            one.shard: (one.split, one.clips) for one in outlines
        }
        assert max(len(shard.clips) for shard in shards) <= size


@pytest.mark.parametrize("count", [1, 3, 49, 987, 1003])
def test_a_speaker_with_other_numbers_than_published_loses_no_clip(count):
    clips = [PlannedClip(f"s1_{number:04d}", "s1", "test") for number in range(count)]
    for as_outlined in (True, False):
        shards = cut_shards(clips, CUT, as_outlined)
        assert sorted(clip.clip for shard in shards for clip in shard.clips) == [clip.clip for clip in clips]
        assert {CUT.speaker(shard.shard) for shard in shards} == {1}


def config(**block) -> dict:
    base = laid("grid")
    return base | {"grid": base["grid"] | block}


def test_a_fetched_corpus_is_planned_by_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = make_work_plan(config())
    assert [plan.count("grid", split) for split in ("train", "val", "test")] == [25_000, 4_000, 4_000]
    assert list(tmp_path.iterdir()) == []
    assert [DATASET.fetch.part(config(), number) for number in ("00000", "00007", "00008", "00271")] == [
        "s1", "s1", "s2", "s34",
    ]  # fmt: skip


def test_a_folder_is_planned_by_its_clips(tmp_path):
    lay_out(tmp_path, {1: {"bbaf2n": b"1"}, 3: {"bbaf2n": b"1", "lbax4n": b"22"}, 9: {"notes": b"3"}})
    block = config(path=str(tmp_path))
    shards = plan_dataset("grid", DATASET.planning(block))
    clips = {clip.clip: clip for shard in shards for clip in shard.clips}
    assert {name: clip.split for name, clip in clips.items()} == {
        "s1_bbaf2n": "test", "s3_bbaf2n": "train", "s3_lbax4n": "train", "s9_notes": "val",
    }  # fmt: skip
    assert clips["s3_lbax4n"].transcript == "lay blue at x four now"
    assert clips["s3_lbax4n"].extra["alignment"].endswith("s3/align/lbax4n.align")
    assert "is no sentence of GRID" in clips["s9_notes"].extra["unusable"]
    assert outline_dataset("grid", block) == {shard.shard: outline(shard) for shard in shards}
    without = plan_dataset("grid", config(path=str(tmp_path), alignments=False))
    assert not [clip for shard in without for clip in shard.clips if "alignment" in clip.extra]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"path": "nowhere"}, "config key grid.path names nowhere, which is not a folder"),
        ({"path": ".", "speakers": [3]}, r"names \., which has no clip of speaker s3 \(sN/\*\.mpg"),
        ({"speakers": [21]}, "names speaker 21, of whom there is no video"),
        ({"speakers": [35]}, r"config key grid\.speakers.* is 35; the largest allowed is 34"),
        ({"test_speakers": [1, 9]}, "both name speaker 9"),
        ({"sources": [{"video": "https://host/s1.zip", "alignments": None}]}, r"config key grid\.sources"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(block, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.makedirs("s1")
    with pytest.raises(UserError, match=problem):
        make_work_plan(config(**block))
