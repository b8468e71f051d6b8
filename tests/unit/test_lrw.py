"""LRW's index, plan and lists of test clips, on a synthetic tree in the corpus' layout."""

import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from dheads_model.corpora.lrw.index import UNKNOWN_SPEAKER, build_index, counts_with_list, list_clips, read_index
from dheads_model.corpora.plan import membership, outline, outline_counts, plan_shards
from dheads_model.errors import UserError
from dheads_model.shards.index import UNKNOWN_SPEAKER as SHARED_UNKNOWN_SPEAKER
from tests.lrw_fixtures import make_tree
from tests.workflow import ROOT


@pytest.fixture
def tree(tmp_path):
    return make_tree(tmp_path / "corpus", media=b"not opened")


def test_the_index_holds_every_clip_once_with_the_same_bytes_each_time(tree, tmp_path):
    summary = build_index(tree, tmp_path / "a.tsv", read_texts=True)
    assert summary.clips == {"train": 5, "val": 2, "test": 4}
    assert (summary.words, summary.refused, summary.texts_failed) == (2, 0, 0)
    rows = list(read_index(tmp_path / "a.tsv"))
    assert [row.clip for row in rows if row.word == "ABOUT"] == [
        "ABOUT_train_00001", "ABOUT_train_00002", "ABOUT_train_00003", "ABOUT_val_00001", "ABOUT_test_00001",
        "ABOUT_test_00002",
    ]  # fmt: skip
    assert {row.bytes for row in rows} == {len(b"not opened")}
    assert {row.word: row.word_seconds for row in rows} == {"ABOUT": 0.28, "YOUNG": 0.4}
    build_index(tree.parent, tmp_path / "b.tsv", read_texts=True)
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


def test_texts_are_opened_only_when_asked_for(tree, tmp_path):
    (tree / "ABOUT/val/ABOUT_00001.txt").unlink()
    (tree / "YOUNG/val/YOUNG_00001.txt").write_text("nothing")
    assert build_index(tree, tmp_path / "with.tsv", read_texts=True).texts_failed == 2
    without = {row.clip: row.word_seconds for row in read_index(tmp_path / "with.tsv")}
    assert without["ABOUT_val_00001"] is None
    assert without["ABOUT_train_00001"] == 0.28
    assert build_index(tree, tmp_path / "without.tsv", read_texts=False).texts_failed == 0
    assert {row.word_seconds for row in read_index(tmp_path / "without.tsv")} == {None}


def test_names_out_of_pattern_are_listed_and_counted(tree, tmp_path):
    odd = ["README.md", "about/train/about_00001.mp4", "ABOUT/testing/ABOUT_00001.mp4", "ABOUT/val/YOUNG_00002.mp4",
           "ABOUT/val/ABOUT_002.mp4", "ABOUT/val/._ABOUT_00001.mp4", "ABOUT/val/ABOUT_00009.MP4",
           "ABOUT/val/ABOUT_00008.mp4/x"]  # fmt: skip
    for name in odd:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(b"x")
    (tree / "ABOUT/val/ABOUT_00007.mp4").symlink_to("nowhere")
    summary = build_index(tree, tmp_path / "i.tsv", read_texts=False)
    assert summary.clips == {"train": 5, "val": 2, "test": 4}
    assert summary.refused_names == [
        "README.md", "about", "ABOUT/testing", "ABOUT/val/._ABOUT_00001.mp4", "ABOUT/val/ABOUT_00007.mp4",
        "ABOUT/val/ABOUT_00008.mp4", "ABOUT/val/ABOUT_00009.MP4", "ABOUT/val/ABOUT_002.mp4", "ABOUT/val/YOUNG_00002.mp4",
    ]  # fmt: skip
    assert summary.refused == 9


def test_many_odd_names_are_all_counted_and_the_first_hundred_listed(tree, tmp_path):
    for number in range(130):
        (tree / f"odd{number:03d}").touch()
    summary = build_index(tree, tmp_path / "i.tsv", read_texts=False)
    assert (summary.refused, len(summary.refused_names)) == (130, 100)


def test_a_wrong_folder_is_answered_with_the_layout_and_leaves_no_index(tmp_path):
    for folder, sentence in ((tmp_path / "nowhere", "is not a folder"), (tmp_path, "holds no clip of LRW")):
        with pytest.raises(
            UserError, match=rf"{sentence}.*lipread_mp4/<WORD>/{{train,val,test}}/<WORD>_<5 digits>.mp4"
        ):
            build_index(folder, tmp_path / "i.tsv", read_texts=False)
    assert list(tmp_path.iterdir()) == []


def test_one_folder_under_two_names_would_count_clips_twice(tree, tmp_path):
    (tree / "THERE").mkdir()
    (tree / "THERE/test").symlink_to(tree / "ABOUT/test")
    with pytest.raises(UserError, match=r"ABOUT/test and .*THERE/test are one and the same folder"):
        build_index(tree, tmp_path / "i.tsv", read_texts=False)


@pytest.fixture
def index(tree, tmp_path):
    build_index(tree, tmp_path / "index.tsv", read_texts=False)
    return tmp_path / "index.tsv"


def test_planned_clips_have_the_corpus_splits_and_nobodys_name(index, tree):
    clips = list_clips(index, tree.parent)
    assert Counter(clip.split for clip in clips) == {"train": 5, "val": 2, "test": 4}
    assert {clip.speaker for clip in clips} == {UNKNOWN_SPEAKER} == {SHARED_UNKNOWN_SPEAKER}
    assert {clip.transcript for clip in clips} == {"ABOUT", "YOUNG"}
    assert all(os.path.getsize(clip.path) == clip.extra["bytes"] for clip in clips)
    assert clips == list_clips(index, tree)
    shards = plan_shards(clips, 2)
    assert sum(len(shard.clips) for shard in shards) == 11
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,80}", clip.clip) for clip in clips)


def test_a_clip_of_another_size_changes_its_shard_only(index, tree, tmp_path):
    before = [membership(shard) for shard in plan_shards(list_clips(index, tree), 3)]
    (tree / "ABOUT/test/ABOUT_00002.mp4").write_bytes(b"longer than it was")
    build_index(tree, index, read_texts=False)
    after = [membership(shard) for shard in plan_shards(list_clips(index, tree), 3)]
    assert [a == b for a, b in zip(after, before, strict=True)].count(False) == 1


@pytest.mark.parametrize("clips_per_shard", [1, 3, 100])
def test_numbers_of_clips_alone_outline_the_shards_that_will_be_cut(index, tree, tmp_path, clips_per_shard):
    def cut(*list_file):
        shards = map(outline, plan_shards(list_clips(index, tree, *list_file), clips_per_shard))
        return [(shard.shard, shard.split, shard.clips) for shard in shards]

    def outlined(counts, corpus=""):
        return outline_counts(counts, clips_per_shard, 10, corpus)

    own = {"train": 5, "val": 2, "test": 4}
    assert [(shard.shard, shard.split, shard.clips) for shard in outlined(own)] == cut()
    listed = tmp_path / "list.txt"
    listed.write_text("ABOUT/train/ABOUT_00002\n./YOUNG/test/YOUNG_00050.mp4\nABOUT_00001\n")
    with_list = counts_with_list(own, listed)
    assert with_list == {"train": 4, "val": 2, "test": 3}
    assert [(shard.shard, shard.split, shard.clips) for shard in outlined(with_list)] == cut(listed)
    memberships = {shard.membership for corpus in ("", "another list") for shard in outlined(own, corpus)}
    assert len(memberships) == 2 * len(cut())


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: rows[1:],
        lambda rows: [*rows, rows[-1]],
        lambda rows: [*rows[:2], rows[3], rows[2], *rows[4:]],
        lambda rows: [*rows[:-1], rows[-1].replace("\t10\t", "\tten\t")],
        lambda rows: [*rows[:-1], rows[-1].replace("\ttest\t", "\ttrain\t")],
        lambda rows: [*rows[:-1], rows[-1][:9]],
    ],
)
def test_an_altered_index_is_refused(index, tree, damage):
    index.write_text("\n".join(damage(index.read_text().splitlines())) + "\n")
    with pytest.raises(UserError, match=r"not a usable index of LRW .*delete it"):
        list_clips(index, tree)
    index.unlink()
    with pytest.raises(UserError, match="not a usable index of LRW"):
        list_clips(index, tree)


def test_another_test_list_replaces_the_test_split_and_only_that(index, tree, tmp_path):
    names = tmp_path / "list.txt"
    names.write_text("./ABOUT/test/ABOUT_00002.mp4\nYOUNG/test/YOUNG_00050\r\n\nABOUT/train/ABOUT_00003\nYOUNG_00001\n")
    clips = list_clips(index, tree, names)
    by_split = {split: {clip.clip for clip in clips if clip.split == split} for split in ("train", "val", "test")}
    assert by_split["test"] == {"ABOUT_test_00002", "YOUNG_test_00050", "ABOUT_train_00003", "YOUNG_test_00001"}
    assert len(by_split["train"]) == 4
    assert len(by_split["val"]) == 2
    assert {clip.path for clip in clips if clip.clip == "ABOUT_train_00003"} == {f"{tree}/ABOUT/train/ABOUT_00003.mp4"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("ABOUT_00001\nABOUT_00007\nABOUT_00008\n", r"names ABOUT_00007, which .*index.tsv does not have \(2 such"),
        ("YOUNG_00001\nYOUNG_1\n", r"line 2 is 'YOUNG_1'; write WORD/split/WORD_00001"),
        ("ABOUT/test/YOUNG_00001\n", "line 1 is"),
        ("ABOUT/dev/ABOUT_00001\n", "line 1 is"),
        ("test/ABOUT_00001\n", "line 1 is"),
        ("\n", "names no clip"),
    ],
)
def test_a_list_that_does_not_fit_is_answered_in_one_sentence(index, tree, tmp_path, content, sentence):
    (tmp_path / "list.txt").write_text(content)
    with pytest.raises(UserError, match=sentence):
        list_clips(index, tree, tmp_path / "list.txt")
    with pytest.raises(UserError, match=r"none.txt cannot be read"):
        list_clips(index, tree, tmp_path / "none.txt")


def test_what_is_known_of_the_published_test_list_reads_as_a_list(golden, tmp_path):
    import pandas

    known = pandas.read_parquet(golden / "lrw_test_split_partial.parquet")
    clips = {}
    for row in known.itertuples():
        clips.setdefault((row.word, "test"), []).append(row.index)
    assert {split for _, split in clips} == {"test"}
    names = known["path"] if known["path"].str.startswith("./").all() else "./" + known["path"] + ".mp4"
    (tmp_path / "list.txt").write_text("\n".join(names))
    rows = sorted(
        f"{word}_test_{number:05d}\t{word}\ttest\t1\t" for (word, _), all_ in clips.items() for number in all_
    )
    (tmp_path / "index.tsv").write_text("\n".join(["clip\tword\tsplit\tbytes\tword_seconds", *rows]) + "\n")
    assert len(list_clips(tmp_path / "index.tsv", tmp_path, tmp_path / "list.txt")) == len(known) == 488


# The whole corpus in numbers of clips, of which nothing but the index is there.
_WHOLE = """
import json, sys
from dheads_model.corpora.lrw.index import list_clips
from dheads_model.corpora.plan import membership, plan_shards
shards = plan_shards(list_clips(sys.argv[1], sys.argv[2]), 500)
hashes = {membership(shard) for shard in shards}
# Of this program alone: getrusage would count what the tests' own process held when it started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps({
    "clips": sum(len(shard.clips) for shard in shards), "shards": len(shards), "hashes": len(hashes),
    "megabytes": int(peak) / 1024,
    "heavy": sorted({"numpy", "av", "torch"} & set(sys.modules)),
}))
"""


@pytest.mark.slow
def test_the_whole_corpus_is_planned_within_memory_and_without_heavy_imports(tmp_path):
    (tmp_path / "lipread_mp4").mkdir()
    words = [f"WORD{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(500)]
    with open(tmp_path / "index.tsv", "w") as stream:
        stream.write("clip\tword\tsplit\tbytes\tword_seconds\n")
        for split, count in (("train", 978), ("val", 50), ("test", 50)):
            for number, word in enumerate(words):
                of_word = count - (split == "train" and number < 234)
                for clip in range(1, of_word + 1):
                    size = 40_000 + hash((number, clip)) % 120_000
                    stream.write(f"{word}_{split}_{clip:05d}\t{word}\t{split}\t{size}\t0.{clip:04d}\n")
    command = [sys.executable, "-c", _WHOLE, str(tmp_path / "index.tsv"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["clips"] == 538_766
    assert found["shards"] == found["hashes"] == 978 + 50 + 50
    assert found["heavy"] == []
    assert found["megabytes"] < 400
