"""The opinion study: balanced sheets, the page in a browser, votes that are refused, and table 2."""

import base64
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from dheads_model.errors import UserError
from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.tables.opinion import make_sheets, read_votes, table2, wilson_interval
from dheads_model.tables.table2 import table2_files
from tests.workflow import call
from workflow_scripts import write_opinion_study, write_table2

METHODS = ["ours", "wav2lip", "ground_truth"]
CLIPS = [f"c{n:02d}" for n in range(16)]


@pytest.fixture
def key():
    return make_sheets(METHODS, CLIPS, 10, 12, 1)


def test_sheets_are_balanced_over_methods_clips_and_places(key):
    by_clip = Counter()
    places = {}
    for sheet in key["sheets"]:
        shown = [key["items"][name] for name in sheet]
        assert Counter(item["method"] for item in shown) == dict.fromkeys(METHODS, 5), "16 clips: 5 of each method"
        assert len({item["clip"] for item in shown}) == 15, "no clip twice in a sheet"
        by_clip.update((item["method"], item["clip"]) for item in shown)
        for place, name in enumerate(sheet):
            places.setdefault(name, []).append(place)
    assert set(by_clip.values()) == {4}, "12 sheets, 3 methods: each video in 4 sheets"
    assert all(sum(found) == 14 * len(found) / 2 for found in places.values()), "a group of sheets and it backwards"
    assert key["sheets"][0] != key["sheets"][1]


def test_the_same_seed_makes_the_same_study_and_another_another(key):
    assert make_sheets(METHODS, CLIPS[::-1], 10, 12, 1) == key
    assert make_sheets(METHODS, CLIPS, 10, 12, 2)["study"] != key["study"]
    with pytest.raises(UserError, match="fewer than two methods"):
        make_sheets(["ours"], CLIPS, 10, 12, 1)
    with pytest.raises(UserError, match="needs 3 test clips, and there are 2"):
        make_sheets(METHODS, CLIPS[:2], 10, 12, 1)


def write_votes(folder, key, sheet, rater, real, changes=None):
    votes = [{"item": name, "real": real(key["items"][name]["method"])} for name in key["sheets"][sheet]]
    content = {"study": key["study"], "sheet": sheet, "rater": rater, "votes": votes} | (changes or {})
    (folder / f"{rater}.json").write_text(json.dumps(content))


def test_the_table_has_shares_and_intervals_over_raters(key, tmp_path):
    for number in range(4):
        write_votes(
            tmp_path, key, number, f"r{number}", lambda m, n=number: m == "ground_truth" or (m == "ours" and n < 2)
        )
    table = table2(read_votes(tmp_path, key), METHODS).set_index("method")
    assert table.loc["ours", ["votes", "raters", "real"]].tolist() == [20, 4, 0.5]
    assert table["real"].tolist() == [0.5, 0.0, 1.0]
    # Two raters say always, two never: four independent answers, not twenty.
    assert (table.loc["ours", "low"], table.loc["ours", "high"]) == (0.0, 1.0)
    assert table.loc["ours", "wilson_low"] == pytest.approx(0.2993, abs=1e-4)
    page = table2_files(table.reset_index(), "embedded")["md"]
    assert "| ours | 50.00 | [0.0, 100.0] | [29.9, 70.1] | 20 | 4 |" in page
    assert "| Diffused Heads | 68.72 |" in page
    assert "not comparable" in page
    assert "not comparable" not in table2_files(table.reset_index(), "lrw")["md"]


def test_wilsons_interval():
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"study": "other"}, "has votes of study other"),
        ({"sheet": 99}, "that sheet 99 does not ask for"),
        ({"votes": [{"item": "nothing", "real": True}]}, "has a vote on nothing"),
        ({"votes": [{"item": "nothing"}]}, "is no file of votes"),
    ],
)
def test_votes_that_do_not_fit_are_refused(key, tmp_path, changes, sentence):
    write_votes(tmp_path, key, 0, "r", lambda method: True, changes)
    with pytest.raises(UserError, match=sentence):
        read_votes(tmp_path, key)


def test_two_files_of_one_rater_and_an_empty_folder_are_refused(key, tmp_path):
    with pytest.raises(UserError, match="has no files of votes"):
        read_votes(tmp_path, key)
    write_votes(tmp_path, key, 0, "r", lambda method: True)
    shutil.copy(tmp_path / "r.json", tmp_path / "again.json")
    with pytest.raises(UserError, match="are of one rater"):
        read_votes(tmp_path, key)


@pytest.fixture
def study(tmp_path):
    """(page, key) of a study of stand-in videos, as the command writes them."""
    manifests = []
    for method in METHODS:
        folder = tmp_path / "videos" / method / "embedded"
        folder.mkdir(parents=True)
        paths = [folder / f"{clip}.mp4" for clip in CLIPS]
        for path in paths:
            path.write_bytes(f"{method} {path.stem}".encode())
        outcomes = tuple(Outcome(clip, "ok", "", "", {}) for clip in CLIPS)
        stored = store_files(paths, folder / "00000.json")
        write_manifest(
            folder / "00000.json", Manifest("sample_videos", "embedded", "test", "00000", {}, outcomes, stored)
        )
        manifests.append(str(folder / "00000.json"))
    settings = {"methods": METHODS, "clips_per_method": 2, "sheets": 6, "seed": 1, "dataset": None}
    page, key = tmp_path / "study" / "index.html", tmp_path / "key.json"
    call(
        write_opinion_study.main,
        videos=manifests,
        settings=settings,
        dataset="embedded",
        output=str(page),
        key=str(key),
    )
    return page, key


def test_the_page_has_the_videos_and_does_not_tell_the_methods(study):
    text, key = study[0].read_text(), json.loads(study[1].read_text())
    content = json.loads(re.search(r"const STUDY = (.*);\n", text)[1])
    assert set(content) == {"study", "sheets", "videos"}
    name, item = next(iter(key["items"].items()))
    assert base64.b64decode(content["videos"][name]).decode() == f"{item['method']} {item['clip']}"
    assert "ground_truth" not in re.sub(r'"videos": \{.*?\}', "", text)


RATER = """<script>
at("begin").click();
for (let n = 0; n < 6; n++) {
  at("real").click();  // before the end of the video: does not count
  at("video").onended();
  if (n % 2) at("generated").click();
  else document.onkeydown({key: "R"});
}
</script></body>"""


def test_a_rater_in_a_browser_gives_votes_that_make_the_table(study, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    played = tmp_path / "played.html"
    played.write_text(study[0].read_text().replace("</body>", RATER))
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=5000", "--dump-dom", f"file://{played}?sheet=3"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    link = re.search(r'id="save"[^>]*href="data:application/json,([^"]*)"[^>]*download="([^"]*)"', done.stdout)
    assert link, done.stdout[-2000:] + done.stderr[-2000:]
    (tmp_path / "votes").mkdir()
    (tmp_path / "votes" / link[2]).write_text(unquote(link[1]))
    votes = json.loads(unquote(link[1]))
    assert (votes["sheet"], [vote["real"] for vote in votes["votes"]]) == (2, [True, False] * 3)
    assert [vote["item"] for vote in votes["votes"]] == json.loads(study[1].read_text())["sheets"][2]
    forms = {"csv": "csv", "markdown": "md", "tex": "tex", "html": "html"}
    outputs = {f"output_{form}": str(tmp_path / f"table2.{ending}") for form, ending in forms.items()}
    call(write_table2.main, key=str(study[1]), votes=str(tmp_path / "votes"), **outputs)
    table = pd.read_csv(tmp_path / "table2.csv")
    assert (table["votes"].sum(), round((table["votes"] * table["real"]).sum())) == (6, 3)
    assert Path(outputs["output_markdown"]).read_text().startswith("# Table 2")
