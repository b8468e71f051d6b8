"""A folder of real clips, good and bad, through the command of the README."""

import shutil

import pandas as pd
import pytest

from tests.workflow import ROOT, snakemake

pytestmark = pytest.mark.slow
FOLDER = str(ROOT / "config/folder.yaml")


def run(work, clips, *overlays):
    return snakemake(
        ROOT, work, "--cores", "2", "--configfile", FOLDER, *overlays, "--config", f"clips={clips}", "--",
        "results/table1.csv", "results/data_card.csv",
    )  # fmt: skip


@pytest.fixture(scope="module")
def mixed(samples, tmp_path_factory):
    """Two real GRID clips beside everything that must not stop them, run to the end in another directory."""
    clips, work = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("elsewhere")
    for name in ("grid/bbaf2n.mpg", "grid/sbia1a.mpg"):
        shutil.copy(samples / "video" / name, clips)
    bad = sorted((samples / "video/negative").iterdir())
    for path in bad:
        shutil.copy(path, clips)
    (clips / "empty.mp4").write_bytes(b"")
    (clips / "text.avi").write_text("not a video")
    whole = (samples / "video/talking/retalking_3.mp4").read_bytes()
    (clips / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    return run(work, clips), work


def test_handful_of_clips_gets_ground_truth_and_frozen_rows_and_a_note(mixed):
    done, work = mixed
    assert done.returncode == 0, done.stdout + done.stderr
    table = pd.read_csv(work / "results/table1.csv")
    assert list(table["method"]) == ["ground_truth", "frozen_first_frame"]
    assert (table["measured"] == 2).all()
    assert table.loc[0, "mouth_audio_correlation"] > 0.1
    page = (work / "results/table1.md").read_text()
    assert "ours has no row: not trained: 0 training clips, run ours needs 40" in page
    assert "--config model=PATH" in page


def test_every_bad_clip_is_accounted_for_with_its_reason(mixed):
    _, work = mixed
    card = pd.read_csv(work / "results/data_card.csv").fillna(0)
    whole = card[card["split"] == "all"].iloc[0]
    assert whole["kept"] == 2
    lost = {name: int(whole[name]) for name in card.columns if ":" in name}
    assert sum(lost.values()) + 2 == whole["planned"] == 10
    assert lost["failed:unreadable"] == 3
    assert lost["filtered:silent_audio"] == 1
    assert lost["filtered:no_audio"] == 2
    assert lost["filtered:face_gap"] + lost.get("filtered:face_jump", 0) == 2
    page = (work / "results/data_card.md").read_text()
    assert "| empty |" in page.replace("| folder | empty |", "| empty |")


@pytest.fixture
def all_bad(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "work").mkdir()
    for number in range(5):
        (tmp_path / "clips" / f"{number}.mp4").write_bytes(b"")
    return tmp_path / "work", tmp_path / "clips"


def test_a_folder_of_which_nothing_is_left_stops_with_one_sentence_and_a_data_card(all_bad):
    work, clips = all_bad
    done = run(work, clips)
    assert done.returncode != 0
    assert (
        done.stderr.rstrip()
        .splitlines()[-1]
        .strip()
        .startswith("error: no clip of dataset folder is left: results/data")
    )
    card = pd.read_csv(work / "results/data_card.csv")
    assert card.loc[0, "failed:unreadable"] == card.loc[0, "planned"] == 5
    assert "the budget allows 3" in (work / "logs/adopt_clips/00000.log").read_text()


def test_where_the_config_asks_for_it_more_bad_clips_than_the_budget_stop_with_one_sentence(all_bad):
    work, clips = all_bad
    (work / "strict.yaml").write_text("budget: {strict: [folder]}")
    done = run(work, clips, str(work / "strict.yaml"))
    assert done.returncode != 0
    last = done.stderr.rstrip().splitlines()[-1].strip()
    assert last.startswith(
        "error: adopt_clips lost 5 of 5 clips of shard 00000 (failed: unreadable) and the budget allows 3"
    )
    assert not (work / "resources/folder/source/00000.json").exists()


def test_a_missing_folder_is_named(tmp_path):
    done = run(tmp_path, tmp_path / "nowhere")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "nowhere, which is not a folder; give the folder with your videos" in output
    assert "Traceback" not in output
