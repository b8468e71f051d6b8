"""Statistics and the forms of table 1, strips and curves."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from dheads_model.errors import UserError
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.curves import draw_curves
from dheads_model.tables.statistics import _estimate, cell, difference, loss_difference
from dheads_model.tables.strips import Strip, draw_strips
from dheads_model.tables.table1 import (
    interval_notes,
    make_rows,
    to_csv,
    to_markdown,
    to_tex,
    unknown_speaker_notes,
)
from tests.factories.tables import rows_of

BY_NAME = {column.metric: column for column in COLUMNS}
KINDS = {"ours": "model", "ground_truth": "ground_truth", "frozen": "frozen_first_frame"}


def test_mean_spread_and_number_leave_out_refusals():
    found = cell(rows_of("psnr", "ours", [20.0, 24.0, None]), BY_NAME["psnr"])
    assert (found.mean, found.n) == (22.0, 2)
    assert found.sd == pytest.approx(np.sqrt(8))
    assert cell(rows_of("psnr", "ours", [None]), BY_NAME["psnr"]).mean is None


def test_blinks_are_pooled_over_seconds():
    rows = rows_of("blinks_per_second", "ours", [1.0, 0.0], frames=[25, 75])
    assert cell(rows, BY_NAME["blinks_per_second"]).mean == pytest.approx(0.25)


def of_speakers(generator, speakers, clips_of_each, spread=1.0):
    """(values, speakers) of clips whose speakers differ by 1 and whose clips differ by `spread`, around 5."""
    names = np.repeat(np.arange(speakers), clips_of_each)
    return 5 + generator.normal(0, 1, speakers)[names] + generator.normal(0, spread, len(names)), [
        f"s{n}" for n in names
    ]


@pytest.mark.parametrize("speakers", range(2, 11))
def test_the_interval_holds_what_it_promises_for_few_speakers(speakers):
    generator = np.random.default_rng(speakers)
    hits = []
    for _ in range(1500):
        values, names = of_speakers(generator, speakers, generator.integers(1, 6, speakers))
        number = [int(name[1:]) for name in names]
        _, low, high = _estimate(
            np.stack([np.bincount(number, values), np.bincount(number)], axis=1), lambda mean: mean
        )
        assert (low is None) == (speakers < 3)
        hits.append(low is not None and low <= 5 <= high)
    if speakers > 2:
        assert 0.925 < np.mean(hits) < 0.97, "95 % is promised; 1,500 draws leave 0.6 % of error"


def test_the_interval_is_that_of_the_means_of_speakers_where_all_have_as_many_clips():
    values, names = of_speakers(np.random.default_rng(0), 5, [3] * 5)
    found = cell(rows_of("psnr", "ours", list(values), speakers=names), BY_NAME["psnr"])
    expected = scipy.stats.t.interval(0.95, 4, values.mean(), scipy.stats.sem(values.reshape(5, 3).mean(axis=1)))
    assert (found.low, found.high) == pytest.approx(expected)


def test_an_interval_ends_where_values_end():
    found = cell(rows_of("mouth_truth_correlation", "ours", [0.99, 0.98, 0.6]), BY_NAME["mouth_truth_correlation"])
    assert (found.low < 0.6, found.high) == (True, 1.0)
    assert cell(rows_of("blinks_per_second", "ours", [0.0, 0.0, 1.0]), BY_NAME["blinks_per_second"]).low == 0
    assert cell(rows_of("mouth_audio_lag", "ours", [0.0, 0.0, 1.0]), BY_NAME["mouth_audio_lag"]).low < 0


def test_fewer_than_three_speakers_have_no_interval_and_nothing_is_best():
    tables = [
        rows_of("psnr", method, values, speakers=["a"] * 2 + ["b"] * 2)
        for method, values in (("ours", [30.0, 31, 32, 33]), ("frozen", [20.0, 21, 22, 23]))
    ]
    found = cell(tables[0], BY_NAME["psnr"])
    assert (found.mean, found.low, found.high) == (31.5, None, None)
    rows = make_rows(pd.concat(tables), KINDS, {}, "ours")
    assert not any(row.best for row in rows)
    (note,) = interval_notes(rows)
    assert note == (
        "embedded has no intervals and no best: its measured test clips are of 2 speakers, and clips of one speaker are "
        "alike; intervals need 3 speakers."
    )
    assert "| PSNR | ↑ | 31.50 ± 1.29 | 21.50 ± 1.29 |" in to_markdown(rows, [])


def test_clips_of_nobody_in_particular_count_each_and_that_is_said():
    rows = rows_of("psnr", "ours", [1.0, 2.0, 3.0, 4.0], speakers=["unknown"] * 4)
    assert cell(rows, BY_NAME["psnr"]).low == pytest.approx(
        scipy.stats.t.interval(0.95, 3, 2.5, scipy.stats.sem([1, 2, 3, 4]))[0]
    )
    assert unknown_speaker_notes(rows)[0].startswith("embedded names no speakers, so its intervals count clips")
    assert unknown_speaker_notes(rows_of("psnr", "ours", [1.0])) == []


def test_a_difference_is_paired_by_clip():
    generator = np.random.default_rng(0)
    hard = generator.normal(25, 5, 12)  # clips differ far more than methods
    ours = rows_of("psnr", "ours", list(hard + 0.3 + generator.normal(0, 0.1, 12)))
    frozen = rows_of("psnr", "frozen", list(hard))
    found = difference(ours, frozen, BY_NAME["psnr"])
    assert found.mean == pytest.approx(0.3, abs=0.1)
    assert 0.2 < found.low < found.high < 0.4
    assert cell(ours, BY_NAME["psnr"]).high - cell(ours, BY_NAME["psnr"]).low > 4
    frozen.loc[frozen["clip"] == "c3", ["value", "status"]] = [np.nan, "undefined"]
    assert difference(ours, frozen.sample(frac=1, random_state=1), BY_NAME["psnr"]).n == 11


def test_a_loss_has_the_direction_of_its_column():
    high, low = rows_of("psnr", "ours", [3.0, 4.0, 5.0]), rows_of("psnr", "frozen", [1.0, 2.0, 3.5])
    truth = rows_of("psnr", "ground_truth", [1.0, 1.0, 1.0])
    assert loss_difference(high, low, truth, BY_NAME["psnr"]).mean == pytest.approx(-11 / 6)
    assert loss_difference(high, low, truth, BY_NAME["lmd_mouth"]).mean == pytest.approx(11 / 6)
    assert loss_difference(high, low, truth, BY_NAME["cpbd"]).mean == pytest.approx(3 - (6.5 / 3 - 1))
    far = truth.assign(value=10.0)
    assert loss_difference(high, low, far, BY_NAME["cpbd"]).mean == pytest.approx(-11 / 6)


@pytest.fixture
def rows():
    tables = [
        rows_of("psnr", "ours", [22.0, 26.0, 24.0]), rows_of("psnr", "frozen", [21.0, 25.0, 23.1]),
        rows_of("psnr", "ground_truth", [None, None, None]),
        rows_of("head_motion", "ours", [0.02, 0.021, 0.02]), rows_of("head_motion", "frozen", [0.0, 0.0, 0.0]),
        rows_of("head_motion", "ground_truth", [0.03, 0.031, 0.03]),
        rows_of("blinks_per_second", "ours", [0.0, 0.0, 0.0]), rows_of("blinks_per_second", "frozen", [0.0, 0.0, 0.0]),
        rows_of("blinks_per_second", "ground_truth", [0.2, 0.3, 0.1]),
        rows_of("lmd_face", "ours", [1.0, 2.0, 3.0]), rows_of("lmd_face", "frozen", [2.0, 1.0, 3.1]),
        rows_of("mouth_audio_lag", "ours", [0, 0, 0]), rows_of("mouth_audio_lag", "frozen", [3, 3, 3.1]),
    ]  # fmt: skip
    return make_rows(pd.concat(tables), KINDS, {("embedded", "ours"): 1}, "frozen")


def test_rows_come_in_the_order_of_the_config_and_count_lost_clips(rows):
    assert [row.method for row in rows] == ["ours", "ground_truth", "frozen"]
    assert (rows[0].measured, rows[0].clips, rows[0].speakers) == (3, 4, 3)


def test_best_is_only_what_is_better_on_the_same_clips_beyond_doubt(rows):
    ours, truth, frozen = rows
    # PSNR by direction, head motion by closeness to the truth; not two equal zeros, not a difference that may be chance,
    # not a lag, which has no direction, and never the ground truth.
    assert ours.best == {"psnr", "head_motion"}
    assert truth.best == frozen.best == frozenset()


def test_real_videos_of_other_clips_are_no_attempt():
    kinds = KINDS | {"other": "ground_truth_of_another"}
    tables = [
        rows_of("head_motion", method, values)
        for method, values in (
            ("ours", [0.02, 0.021, 0.02]), ("frozen", [0.0] * 3), ("ground_truth", [0.03, 0.031, 0.03]),
            ("other", [0.03, 0.031, 0.03]),
        )
    ]  # fmt: skip
    best = {row.method: row.best for row in make_rows(pd.concat(tables), kinds, {}, "ours")}
    assert best == {"ours": {"head_motion"}, "ground_truth": set(), "frozen": set(), "other": set()}


def test_differences_are_from_the_reference(rows):
    assert rows[0].differences["psnr"].mean == pytest.approx((1 + 1 + 0.9) / 3)
    assert rows[2].differences == {}
    page = to_markdown(rows, [])
    assert "Difference from frozen, clip by clip" in page
    assert "| metric | ours − frozen | ground_truth − frozen |" in page
    assert "| PSNR | **+0.97** [+0.82, +1.11] | – |" in page
    assert "| LMD (face) | -0.033 [-2.522, +2.455] | – |" in page
    assert "| blinks/s | +0.000 [+0.000, +0.000] |" in page
    others = make_rows(rows_of("psnr", "ours", [1.0, 2.0, 3.0]), KINDS, {}, "frozen")
    assert "Difference" not in to_markdown(others, [])
    assert interval_notes(others) == ["embedded has no differences: frozen (table1.reference) has no row."]


def test_csv_markdown_and_tex_tell_the_same(rows):
    table = pd.read_csv(pd.io.common.StringIO(to_csv(rows)))
    assert table.loc[0, "psnr"] == 24.0
    assert (table.loc[0, "psnr_n"], table.loc[0, "speakers"]) == (3, 3)
    assert table.loc[0, "psnr_difference"] == pytest.approx(0.967, abs=1e-3)
    assert table.loc[0, "psnr_difference_low"] == pytest.approx(0.82, abs=0.01)
    assert np.isnan(table.loc[1, "psnr"])
    assert np.isnan(table.loc[2, "psnr_difference"])
    page = to_markdown(rows, ["a note"])
    assert "| PSNR | ↑ | **24.00** ± 2.00 [19.03, 28.97] | – | 23.03 ± 2.00 [18.06, 28.00] |" in page
    assert "| blinks/s | ≈ | 0.000 ± 0.000 [0.000, 0.000] |" in page
    assert "- a note" in page
    tex = to_tex(rows)
    assert r"PSNR & $\uparrow$ & \textbf{24.00} & -- & 23.03 \\" in tex
    assert r"PSNR & \textbf{+0.97} [+0.82, +1.11] & -- \\" in tex
    assert r"ground\_truth" in tex
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}")


def test_an_empty_table_is_refused():
    with pytest.raises(UserError, match="no clip was measured"):
        make_rows(rows_of("psnr", "ours", []), KINDS, {}, "ours")


def test_pictures_have_the_same_bytes_and_the_right_shape(tmp_path):
    import cv2

    frames = np.random.default_rng(0).integers(0, 255, (20, 32, 32, 3), dtype=np.uint8)
    marks = np.random.default_rng(1).uniform(5, 25, (20, 68, 2))
    strips = [
        Strip("1001: hello", frames, frames[::-1], marks, np.full_like(marks, np.nan), np.zeros(12_800, np.int16))
    ] * 2
    for name in ("a.png", "b.png"):
        draw_strips(strips, "ours", 5, 10, tmp_path / name)
        draw_curves(
            [{"images": i, "loss": 1 / (i + 1), "learning_rate": 0.1} for i in range(5)], tmp_path / f"curve_{name}"
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "curve_a.png").read_bytes() == (tmp_path / "curve_b.png").read_bytes()
    assert cv2.imread(str(tmp_path / "a.png")).std() > 20
    with pytest.raises(UserError, match="log is empty"):
        draw_curves([], tmp_path / "c.png")
