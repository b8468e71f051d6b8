"""The row of a method without videos: what a ridge regression on the audio says of the mouth."""

import json

import pandas as pd
import pytest

from dheads_model.manifest import read_manifest
from dheads_model.metrics.audio_reference import audio_reference
from dheads_model.metrics.distribution import SetMeasurement
from dheads_model.recipe import read_recipe
from dheads_model.shards.index import read_index, write_index
from dheads_model.stages.distances import MethodDistances
from dheads_model.stages.spoken_clips import spoken_clips
from dheads_model.tables.distance_cells import with_distances
from dheads_model.tables.table1 import make_rows, to_csv, to_markdown, to_tex, without_videos_notes
from dheads_model.tables.table1_html import to_html
from tests.factories.shards import pack
from tests.factories.tables import rows_of
from tests.workflow import call
from workflow_scripts import fit_linear_regression, measure_linear_regression

KINDS = {"ours": "model", "ground_truth": "ground_truth", "linear": "linear_regression", "frozen": "frozen_first_frame"}


def measured(folder, subset=None, train=(16, 20)):
    """Fit on two training clips of these lengths and measure two test clips; (index, regression's values, rows)."""
    train = pack(folder, lengths=dict(zip(("a_1", "a_2"), train, strict=True)))
    test = pack(folder, shard="00001", split="test", speakers="cd", lengths={"c_1": 18, "d_1": 22})
    write_index(folder / "index.json", [train, test])
    call(fit_linear_regression.main, index=str(folder / "index.json"), output=str(folder / "fit.json"), settings={})
    call(
        measure_linear_regression.main, shard=test, regression=str(folder / "fit.json"), method="linear", subset=subset,
        output=str(folder / "00001.parquet"), manifest=str(folder / "00001.json"), settings={},
    )  # fmt: skip
    return (
        read_index(folder / "index.json"),
        json.loads((folder / "fit.json").read_text()),
        pd.read_parquet(folder / "00001.parquet"),
    )


def test_each_clip_has_the_correlation_whose_mean_is_the_audio_reference(tmp_path):
    index, _, rows = measured(tmp_path)
    expected = audio_reference(*(spoken_clips(index, split) for split in ("train", "val", "test")))["r"]
    assert list(rows["clip"]) == ["c_1", "d_1"] and list(rows["speaker"]) == ["c", "d"]
    assert set(rows["metric"]) == {"mouth_truth_correlation"} and (rows["status"] == "ok").all()
    assert rows["value"].mean() == pytest.approx(expected["mean"], abs=1e-12)
    assert set(read_manifest(tmp_path / "00001.json").ok()) == {"c_1", "d_1"}


def test_only_the_clips_of_a_subset_are_measured(tmp_path):
    _, _, rows = measured(tmp_path, subset={"clips": 1, "seed": 1})
    assert len(rows) == 1


def test_without_training_clips_that_move_the_cell_says_so(tmp_path):
    _, fitted, rows = measured(tmp_path, train=[6, 8])
    assert fitted["clips"]["train"] == 0 and "weights" not in fitted
    table = make_rows(rows, {"linear": "linear_regression"}, {}, "ours")
    assert table[0].cells["mouth_truth_correlation"].why == "not computed: no training clip has a mouth that moves"


def table_rows():
    correlation = [rows_of("mouth_truth_correlation", method, values) for method, values in
                   (("ours", [0.4, 0.5, 0.45, 0.55]), ("linear", [0.8, 0.9, 0.85, 0.9]), ("frozen", [0.0] * 4))]  # fmt: skip
    psnr = [rows_of("psnr", "ours", [20.0, 21.0, 22.0, 23.0]), rows_of("psnr", "frozen", [10.0, 11.0, 12.0, 13.0])]
    rows = make_rows(pd.concat([*correlation, *psnr]), KINDS, {}, "ours")
    figure = SetMeasurement("kernel_effnet_lite0", 1.0, (4, 4), (32, 32), "ok")
    found = [MethodDistances("embedded", method, "effnet_lite0", "", (figure,)) for method in ("ours", "frozen")]
    return with_distances(rows, found, {"fid_tf1": "no"})


def test_its_other_cells_say_not_applicable_and_its_correlation_has_interval_and_difference():
    rows = table_rows()
    linear = next(row for row in rows if row.method == "linear")
    found = linear.cells.pop("mouth_truth_correlation")
    assert found.mean == pytest.approx(0.8625) and found.n == 4 and found.low is not None
    assert {cell.why for cell in linear.cells.values()} == {"not applicable"}
    assert {"psnr", "kernel_effnet_lite0", "fid_tf1"} <= set(linear.cells)
    assert set(linear.differences) == {"mouth_truth_correlation"}
    assert linear.differences["mouth_truth_correlation"].excludes_zero


def test_it_is_not_ranked_so_the_best_video_keeps_its_mark():
    rows = {row.method: row for row in table_rows()}
    assert "mouth_truth_correlation" in rows["ours"].best
    assert not rows["linear"].best and not rows["linear"].second


def test_every_form_of_the_table_has_the_row_and_no_footnote_about_it():
    rows = table_rows()
    (note,) = without_videos_notes(rows)
    assert "linear makes no videos" in note
    markdown = to_markdown(rows, [note])
    paper = next(line for line in markdown.splitlines() if line.startswith("| linear (n = 4)"))
    assert paper.count("not applicable") == 9
    assert "not applicable" not in "".join(line for line in markdown.splitlines() if line.startswith("- <sup>"))
    assert to_html(rows, [note]).count("not applicable") == markdown.count("not applicable")
    assert "not applicable" in to_tex(rows)
    table = pd.read_csv(pd.io.common.StringIO(to_csv(rows))).set_index("method")
    assert pd.isna(table.loc["linear", "psnr"]) and table.loc["linear", "psnr_n"] == 0
    assert table.loc["linear", "kernel_effnet_lite0_status"] == "not applicable"


def test_the_recipes_name_what_row_and_regression_were_made_from(tmp_path):
    measured(tmp_path)
    shard = str(tmp_path / "shards/test/00001.json")
    assert set(read_recipe(tmp_path / "00001.json").made_from) == {shard, str(tmp_path / "fit.json")}
    assert set(read_recipe(tmp_path / "fit.json").made_from) == {str(tmp_path / "index.json")}
