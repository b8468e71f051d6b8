"""The whole way on three actors: what a person gets, and that it is whole."""

import json
import zipfile
from pathlib import Path

import av
import pandas as pd
import pytest

from dheads_model.manifest import read_manifest, verify_file
from dheads_model.media.audio import load_speech
from dheads_model.media.video import open_video
from tests.conftest import TINY
from tests.factories.browser import browser_page
from tests.workflow import snakemake

pytestmark = pytest.mark.slow


def test_the_table_has_a_row_a_method_and_a_number_a_metric(finished):
    table = pd.read_csv(finished.work / "results/table1.csv")
    assert list(table["method"]) == ["ours", "ground_truth", "frozen_first_frame"]
    assert (table["clips"] == 1).all()
    assert (table["measured"] == 1).all()
    truth, frozen = table.iloc[1], table.iloc[2]
    assert truth["mouth_audio_correlation"] > 0.4
    assert truth["mouth_truth_correlation"] > 0.95
    for metric in ("mouth_audio_correlation", "mouth_truth_correlation", "head_motion", "blinks_per_second"):
        assert frozen[metric] == 0.0
    assert pd.isna(frozen["mouth_audio_lag"])
    assert pd.isna(truth["psnr"])
    assert truth["head_motion"] > 0.005
    for suffix in ("md", "tex"):
        assert "ground" in (finished.work / f"results/table1.{suffix}").read_text()


def test_provenance_names_config_code_data_and_versions(finished):
    provenance = json.loads((finished.work / "results/table1.provenance.json").read_text())
    assert provenance["config"]["embedded"]["actors"] == 3
    assert len(provenance["code"]["train_model"]) == 12
    index = json.loads((finished.work / "resources/embedded/index.json").read_text())
    assert provenance["data"]["embedded"] == index["fingerprint"]
    (trained,) = provenance["made_by"]["train_model"]
    assert trained["packages"]["torch"].startswith("2.13.0")
    assert trained["code"] == provenance["code"]["train_model"]
    assert provenance["made_by"]["crop_faces"][0]["products"] == 3


def test_every_manifest_adds_up_and_its_files_are_whole(finished):
    manifests = [
        path for path in finished.work.glob("re*/**/[0-9][0-9][0-9][0-9][0-9].json") if path.parent.name != "plan"
    ]
    assert len(manifests) > 25
    for path in manifests:
        manifest = read_manifest(path)
        assert len(manifest.clips) == 1
        for stored in manifest.files:
            verify_file(path, stored)


def test_the_data_card_accounts_for_every_clip(finished):
    card = pd.read_csv(finished.work / "results/data_card.csv")
    assert card.loc[card["split"] == "all", "planned"].item() == 3
    assert (card["kept"] == card["planned"]).all()


def test_videos_have_picture_and_sound_of_one_length(finished):
    path = next(finished.work.glob("results/videos/ours/embedded/*.mp4"))
    video = open_video(path)
    assert video.facts.fps == 25
    assert (video.facts.width, video.facts.height) == (128, 128)
    assert abs(len(load_speech(path)) - 640 * len(video.times)) < 3000


def test_pictures_and_model_are_there(finished):
    for name in ("results/strips/ours_embedded_00002.png", "results/runs/ours/loss.png"):
        assert (finished.work / name).read_bytes().startswith(b"\x89PNG")
    facts = json.loads((finished.work / "results/runs/ours/model.json").read_text())
    assert facts["images"] == 64


def test_the_gallery_is_one_folder_with_the_videos_of_all_methods(finished):
    page = finished.work / "results/gallery/page"
    for method in ("ours", "ground_truth", "frozen_first_frame"):
        (copy,) = page.glob(f"videos/{method}/embedded/*.mp4")
        assert copy.read_bytes() == (finished.work / f"results/videos/{method}/embedded/{copy.name}").read_bytes()
        with av.open(str(copy)) as container:
            codecs = {stream.type: stream.codec_context for stream in container.streams}
            assert (codecs["video"].name, codecs["video"].pix_fmt, codecs["audio"].name) == ("h264", "yuv420p", "aac")
    assert "I'm on my way to the meeting." in (page / "data.js").read_text(encoding="utf-8")
    assert not [path for path in page.rglob("*") if path.is_symlink()]


def test_shards_and_tables_are_the_same_bytes_in_another_run_on_one_core(finished, tmp_path):
    done = snakemake(finished.project, tmp_path, "--cores", "1", "--configfile", str(TINY), "--", "verify_tables")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "logs/verify_tables.log").read_text().count(": equal\n") == 4
    for name in ("csv", "md", "tex", "html"):
        table = f"results/table1.{name}"
        assert (tmp_path / table).read_bytes() == (finished.work / table).read_bytes(), "two cores made the other"
    again = json.loads((tmp_path / "resources/embedded/index.json").read_text())
    first = json.loads((finished.work / "resources/embedded/index.json").read_text())
    assert again == first


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """Folder of the report of the finished run, unpacked."""
    folder = tmp_path_factory.mktemp("report")
    wanted = ("--configfile", str(TINY), "--report", str(folder / "report.zip"), "--nolock")
    done = snakemake(finished.project, finished.work, *wanted)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "report.zip") as packed:
        packed.extractall(folder)
    return folder / "report"


def test_the_report_builds(report):
    names = {path.name for path in report.rglob("*")}
    assert {"report.html", "table1.html", "data_card.csv", "loss.png", "ours_embedded_00002.png"} <= names
    assert {"index.html", "gallery.js", "data.js", "1003_IOM_SAD_XX.mp4"} <= names, "the gallery, with its videos"


@pytest.mark.parametrize(
    ("category", "file", "shown"),
    [("Tables", "results/table1.html", "mouth-truth corr."), ("Gallery", "results/gallery/page/index.html", "Play")],
)
def test_the_report_shows_table_and_gallery_in_a_browser(report, tmp_path, category, file, shown):
    named = "[...document.querySelectorAll('*')].filter(one => one.children.length == 0 && one.textContent.trim() == {!r}).at(-1)"
    with browser_page(tmp_path / "profile") as page:
        page.open(report / "report.html", 1280, 800)
        page.wait_for(f"!!{named.format(category)}")
        page.value(f"{named.format(category)}.click()")
        page.wait_for(f"!!{named.format(file)}")
        page.value(f"{named.format(file)}.closest('tr').querySelector('[iconname=eye]').click()")
        page.wait_for("!!document.querySelector('iframe')")
        (inside,) = [
            path
            for path in report.rglob(Path(file).name)
            if page.value("document.querySelector('iframe').src").endswith("/".join(path.parts[-2:]))
        ]
        page.open(inside, 1280, 800)
        page.wait_for(f"document.body.innerText.includes({shown!r})")
        assert page.complaints == []
