"""Which clips form which shard, and the folder corpus with its table."""

import os

import pytest

from dheads_model.corpora.embedded.clips import SENTENCES, list_clips
from dheads_model.corpora.folder import list_clips as list_folder
from dheads_model.corpora.plan import (
    PlannedClip,
    assign_splits,
    membership,
    plan_shards,
    plan_stable_shards,
    read_plan,
    write_plan,
)
from dheads_model.errors import UserError

SETTINGS = {"table": None, "validation_fraction": 0.2, "test_fraction": 0.2}
EMBEDDED = {"actors": 24, "clips_per_actor": 4, "validation_actors": 2, "test_actors": 4, "seed": 7}


@pytest.fixture
def folder(tmp_path):
    for name in ("anna/one.mp4", "anna/two.MOV", "ben/one.flv", "note.txt", ".hidden/x.mp4", "c d.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def clip(name, split="train", **more):
    return PlannedClip(name, name, split, **more)


def test_shards_hold_one_split_and_every_clip_once():
    clips = [clip(f"c{i:02d}", ("train", "val", "test")[i % 3]) for i in range(20)]
    shards = plan_shards(reversed(clips), 3)
    assert [shard.shard for shard in shards] == [f"{i:05d}" for i in range(len(shards))]
    assert sorted(c.clip for s in shards for c in s.clips) == [c.clip for c in clips]
    assert all(c.split == s.split for s in shards for c in s.clips)
    assert max(len(s.clips) for s in shards) == 3


@pytest.mark.parametrize("place", [0, 250, 499])
def test_one_clip_more_changes_one_stable_shard(place):
    clips = [clip(f"c{i:03d}", ("train", "val", "test")[i % 3]) for i in range(500)]
    fewer = {s.shard: membership(s) for s in plan_stable_shards(clips[:place] + clips[place + 1 :], 16)}
    all_of_them = {s.shard: membership(s) for s in plan_stable_shards(reversed(clips), 16)}
    assert fewer.keys() == all_of_them.keys()
    assert sum(fewer[number] != all_of_them[number] for number in fewer) == 1


def test_stable_shards_hold_every_clip_once_and_about_as_many_as_asked():
    clips = [clip(f"c{i:03d}", ("train", "val", "test")[i % 3]) for i in range(500)]
    shards = plan_stable_shards(clips, 16)
    assert sorted(c.clip for s in shards for c in s.clips) == [c.clip for c in clips]
    assert all(c.split == s.split for s in shards for c in s.clips)
    assert len({s.shard for s in shards}) == len(shards)
    assert 6 <= sum(len(s.clips) for s in shards) / len(shards) <= 16
    assert [len(s.clips) for s in plan_stable_shards(clips[:9], 16)] == [3, 3, 3]


def test_one_id_for_two_clips_is_refused():
    with pytest.raises(UserError, match="two clips have the id a"):
        plan_shards([clip("a"), clip("a", "test")], 2)
    with pytest.raises(UserError, match="two clips have the id a"):
        plan_stable_shards([clip("a"), clip("a", "test")], 2)


def test_membership_changes_with_the_clips_and_their_files_only():
    base = plan_shards([clip("a", extra={"bytes": 1, "mtime_ns": 5}), clip("b")], 5)[0]
    touched = plan_shards([clip("a", extra={"bytes": 1, "mtime_ns": 6}), clip("b")], 5)[0]
    same = plan_shards([clip("b"), clip("a", extra={"bytes": 1, "mtime_ns": 5})], 5)[0]
    assert membership(base) == membership(same) != membership(touched)


def test_a_plan_survives_the_disk_without_modification_times(tmp_path):
    shard = plan_shards([clip("a", extra={"bytes": 1, "mtime_ns": 5}, transcript="grüß")], 5)[0]
    write_plan(tmp_path / "p.json", "folder", shard)
    dataset, back = read_plan(tmp_path / "p.json")
    assert dataset == "folder"
    assert back.clips[0].extra == {"bytes": 1}
    assert back.clips[0].transcript == "grüß"
    (tmp_path / "p.json").write_text("{")
    with pytest.raises(UserError, match="not a usable plan"):
        read_plan(tmp_path / "p.json")


def test_splits_are_by_speaker_and_do_not_depend_on_order():
    names = [f"s{i}" for i in range(20)]
    splits = assign_splits(names, 0.1, 0.2)
    assert splits == assign_splits(reversed(names * 2), 0.1, 0.2)
    assert sorted(splits.values()).count("test") == 4
    assert sorted(splits.values()).count("val") == 2
    assert assign_splits(["only"], 0.1, 0.2) == {"only": "test"}


def test_folder_finds_videos_and_names_speakers_by_subfolder(folder):
    clips = {c.clip: c for c in list_folder(SETTINGS, str(folder), all_test=False)}
    assert set(clips) == {"anna_one", "anna_two", "ben_one", "c_d"}
    assert clips["anna_one"].speaker == clips["anna_two"].speaker == "anna"
    assert clips["c_d"].speaker == "c_d"
    assert clips["anna_one"].split == clips["anna_two"].split
    assert clips["ben_one"].path == str(folder / "ben/one.flv")


def test_without_training_all_clips_are_test_clips(folder):
    assert {c.split for c in list_folder(SETTINGS, str(folder), all_test=True)} == {"test"}


def test_table_gives_speakers_splits_and_transcripts(folder):
    (folder / "t.csv").write_text(
        "clip,speaker,split,transcript\nanna/one.mp4,p1,train,hello there\nanna/two,p1,train,\nben_one,p2,test,\nc d.mkv,p3,val,\n"
    )
    clips = {c.clip: c for c in list_folder(SETTINGS | {"table": "t.csv"}, str(folder), all_test=True)}
    assert [(c.speaker, c.split) for c in clips.values()] == [
        ("p1", "train"),
        ("p1", "train"),
        ("p2", "test"),
        ("p3", "val"),
    ]
    assert clips["anna_one"].transcript == "hello there"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("clip,speeker\n", "column 'speeker'.*did you mean speaker"),
        ("speaker\np1\n", "has no column clip"),
        ("clip\nanna/onne.mp4\n", r"line 2 names clip 'anna/onne.mp4'.*did you mean anna/one.mp4"),
        ("clip\nanna/one.mp4\nanna_one\n", "line 3 .*second time"),
        ("clip,split\nanna/one.mp4,tran\n", "split 'tran'; it must be one of train, val, test"),
        ("clip,split\nanna/one.mp4,train\n", "split for some clips but not for"),
        (
            "clip,speaker,split\nanna/one.mp4,p,train\nanna/two.MOV,p,test\nben/one.flv,q,test\nc d.mkv,r,val\n",
            "speaker p is in two splits",
        ),
    ],
)
def test_a_wrong_table_is_answered_in_one_sentence(folder, table, sentence):
    (folder / "t.csv").write_text(table)
    with pytest.raises(UserError, match=sentence):
        list_folder(SETTINGS | {"table": "t.csv"}, str(folder), all_test=False)


def test_missing_and_empty_folders_are_refused(folder, tmp_path_factory):
    with pytest.raises(UserError, match="is not a folder"):
        list_folder(SETTINGS, str(folder / "nowhere"), all_test=False)
    with pytest.raises(UserError, match="holds no video"):
        list_folder(SETTINGS, str(tmp_path_factory.mktemp("empty")), all_test=False)


def test_a_touched_source_changes_the_membership(folder):
    def hashes():
        return {membership(shard) for shard in plan_shards(list_folder(SETTINGS, str(folder), all_test=True), 10)}

    before = hashes()
    os.utime(folder / "ben/one.flv", ns=(1, 1))
    assert hashes() != before


def test_embedded_clips_follow_crema_d_and_hold_actors_out():
    clips = list_clips(EMBEDDED)
    assert len(clips) == len({c.clip for c in clips}) == 96
    assert {c.clip.split("_")[1] for c in clips} == set(SENTENCES)
    by_split = {split: {c.speaker for c in clips if c.split == split} for split in ("train", "val", "test")}
    assert [len(by_split[split]) for split in ("train", "val", "test")] == [18, 2, 4]
    assert not by_split["train"] & (by_split["val"] | by_split["test"])


def test_ninety_actors_and_too_few_for_the_held_out():
    clips = list_clips(EMBEDDED | {"actors": 90, "clips_per_actor": 12})
    assert len({c.clip for c in clips}) == 1080
    with pytest.raises(UserError, match="6 are held out"):
        list_clips(EMBEDDED | {"actors": 6})


def test_a_model_changes_no_split_of_a_folder(folder, tmp_path):
    import yaml

    from tests.workflow import ROOT, write_model_header
    from workflow_scripts.planning.plan import make_work_plan

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"datasets": ["folder"], "clips": str(folder)}
    config["runs"]["ours"] |= {"dataset": "folder", "min_clips": 1}
    write_model_header(tmp_path / "model.safetensors", config["runs"]["ours"])
    shards = make_work_plan(config).shards
    assert {shard.split for shard in shards["folder"].values()} >= {"train", "test"}
    assert make_work_plan(config | {"model": str(tmp_path / "model.safetensors")}).shards == shards
