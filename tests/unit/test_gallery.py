"""The gallery: which clips it shows, what is in its folder, and that no text of a file can become markup."""

import json

import pytest

from dheads_model.metrics.registry import COLUMNS
from dheads_model.tables.gallery import badness, choose_clips, data_script, with_badness
from dheads_model.tables.gallery_settings import GallerySettings
from tests.factories.gallery import Clip, make_gallery
from tests.factories.tables import rows_of
from workflow_scripts.planning.missing_files import lost_files


def data_of(gallery):
    script = (gallery / "page/data.js").read_text(encoding="utf-8")
    return json.loads(script.removeprefix("window.GALLERY = ").rstrip().removesuffix(";"))


def column(better):
    return next(found for found in COLUMNS if found.better == better)


def test_badness_grows_with_what_the_column_calls_worse():
    assert badness(column("higher"), 1.0, None) > badness(column("higher"), 2.0, None)
    assert badness(column("lower"), 2.0, None) > badness(column("lower"), 1.0, None)
    assert badness(column("closest"), 5.0, 4.5) < badness(column("closest"), 3.0, 4.5)
    assert badness(column("closest"), 5.0, None) is None
    assert badness(column("unjudged"), -3.0, 0.0) > badness(column("unjudged"), 2.0, 0.0)


def test_a_small_split_is_shown_whole_and_a_large_one_as_a_seeded_draw_with_the_worst():
    kinds = {"ours": "model", "ground_truth": "ground_truth"}
    psnr = [float(number) for number in range(60)]
    values = with_badness(rows_of("psnr", "ours", psnr), kinds)
    clips = [f"c{number}" for number in range(60)]
    whole = choose_clips(clips, values, kinds, GallerySettings(60, 2, 0))
    assert len(whole.clips) == whole.total == 60
    assert not whole.worst
    part = choose_clips(clips, values, kinds, GallerySettings(10, 2, 0))
    assert part.drawn == 10
    assert set(part.worst) == {"c0", "c1"} <= set(part.clips)
    assert part.worst["c0"] == ["PSNR of ours"]
    assert choose_clips(clips, values, kinds, GallerySettings(10, 0, 1)).clips != part.clips
    fewer = choose_clips(clips[:-1], values, kinds, GallerySettings(10, 0, 0))
    drawn = choose_clips(clips, values, kinds, GallerySettings(10, 0, 0))
    assert len(set(fewer.clips) - set(drawn.clips)) <= 1, "one more clip changes at most one of those drawn"


def test_the_worst_of_real_videos_and_references_are_not_asked_for():
    kinds = {"frozen": "frozen_first_frame"}
    values = with_badness(rows_of("psnr", "frozen", [1.0, 2.0, 3.0]), kinds)
    assert not choose_clips(["c0", "c1", "c2"], values, kinds, GallerySettings(1, 2, 0)).worst


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    clips = [Clip(f"c{number}", f"s{number % 2}", f"sentence {number}", offset=number) for number in range(5)]
    return make_gallery(tmp_path_factory.mktemp("gallery"), clips, GallerySettings(2, 1, 0), absent="c4")


def test_the_folder_has_the_videos_of_the_shown_clips_and_says_how_large_it_is(gallery):
    data = data_of(gallery)
    shown = {clip["clip"] for clip in data["clips"]}
    assert {"c4", "c3"} <= shown, "the worst of ours, and of wav2lip, which has no video of c4"
    assert 2 <= len(shown) < 5
    assert [method["name"] for method in data["methods"]] == ["ground_truth", "ours", "wav2lip"]
    for clip in data["clips"]:
        assert clip["transcript"] == f"sentence {clip['clip'][1:]}"
        for path in [*clip["videos"].values(), clip["picture"]]:
            assert (gallery / "page" / path).is_file()
    assert {path.stem for path in gallery.rglob("*.mp4")} == shown
    assert f"{len(shown)} of 5 test clips" in data["about"][0]
    stated = float(data["about"][-1].split(" kB")[0].split()[-1]) * 1000
    files = [path for path in gallery.joinpath("page").rglob("*") if path.is_file() and path.name != "files.json"]
    size = sum(path.stat().st_size for path in files)
    assert stated == pytest.approx(size, rel=0.05)


def test_a_missing_video_is_shown_with_its_reason(gallery):
    clip = next(clip for clip in data_of(gallery)["clips"] if clip["clip"] == "c4")
    assert clip["absent"] == {"wav2lip": "FOLDER lacks it"}
    assert set(clip["videos"]) == {"ground_truth", "ours"}


def test_a_lost_file_of_the_folder_is_noticed(tmp_path):
    gallery = make_gallery(tmp_path, [Clip("c0")])
    assert lost_files(gallery / "page/files.json") == []
    video = next(gallery.rglob("*.mp4"))
    video.unlink()
    assert lost_files(gallery / "page/files.json") == [str(video)]


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    folders = [make_gallery(tmp_path / name, [Clip("c0"), Clip("c1", offset=2)]) for name in ("a", "b")]
    first, second = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders)
    assert first == second


def test_no_text_can_end_the_script_that_holds_the_data():
    script = data_script({"clip": "</script><!--\u2028\u2029&"})
    assert not set("<>&\u2028\u2029") & set(script)
    assert json.loads(script.removeprefix("window.GALLERY = ").rstrip()[:-1])["clip"] == "</script><!--\u2028\u2029&"


def test_the_page_names_nothing_outside_of_its_folder(gallery):
    for name in ("index.html", "page/index.html", "page/gallery.js", "page/gallery.css"):
        text = (gallery / name).read_text(encoding="utf-8")
        assert "http:" not in text and "https:" not in text and "//" not in text.replace("// ", "")
        assert "innerHTML" not in text
