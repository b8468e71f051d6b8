"""Statistics and the forms of table 1, strips and curves."""

import numpy as np
import pandas as pd
import pytest

from dheads_model.errors import UserError
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.curves import draw_curves
from dheads_model.tables.statistics import cell
from dheads_model.tables.strips import Strip, draw_strips
from dheads_model.tables.table1 import best_methods, make_rows, to_csv, to_markdown, to_tex

BY_NAME = {column.metric: column for column in COLUMNS}
KINDS = {"ours": "model", "ground_truth": "ground_truth", "frozen": "frozen_first_frame"}


def rows_of(metric, method, values, frames=None, speakers=None):
    count = len(values)
    return pd.DataFrame(
        {
            "dataset": "embedded", "split": "test", "method": method, "metric": metric, "value": values,
            "clip": [f"c{i}" for i in range(count)], "frames": frames or [50] * count,
            "speaker": speakers or [f"s{i}" for i in range(count)],
            "status": ["ok" if value is not None else "undefined" for value in values], "reason": "",
        }
    )  # fmt: skip


def test_mean_spread_and_number_leave_out_refusals():
    found = cell(rows_of("psnr", "ours", [20.0, 24.0, None]), BY_NAME["psnr"], 500)
    assert (found.mean, found.n) == (22.0, 2)
    assert found.sd == pytest.approx(np.sqrt(8))
    assert cell(rows_of("psnr", "ours", [None]), BY_NAME["psnr"], 500).mean is None


def test_blinks_are_pooled_over_seconds():
    rows = rows_of("blinks_per_second", "ours", [1.0, 0.0], frames=[25, 75])
    assert cell(rows, BY_NAME["blinks_per_second"], 500).mean == pytest.approx(0.25)


def test_the_interval_covers_what_it_should_and_draws_speakers():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        values = list(generator.normal(5, 1, 20))
        found = cell(rows_of("psnr", "ours", values), BY_NAME["psnr"], 400)
        hits += found.low <= 5 <= found.high
    assert 50 <= hits <= 60
    alike = rows_of("psnr", "ours", [1.0] * 10 + [3.0] * 10, speakers=["a"] * 10 + ["b"] * 10)
    found = cell(alike, BY_NAME["psnr"], 2000)
    assert (found.low, found.high) == (1.0, 3.0), "clips of one speaker are no independent evidence"
    assert cell(alike, BY_NAME["psnr"], 2000) == found


@pytest.fixture
def rows():
    tables = [
        rows_of("psnr", "ours", [22.0, 26.0]), rows_of("psnr", "frozen", [23.0, 24.0]),
        rows_of("psnr", "ground_truth", [None, None]),
        rows_of("head_motion", "ours", [0.02, 0.02]), rows_of("head_motion", "frozen", [0.0, 0.0]),
        rows_of("head_motion", "ground_truth", [0.03, 0.03]),
    ]  # fmt: skip
    return make_rows(pd.concat(tables), KINDS, {("embedded", "ours"): 1}, 200)


def test_rows_come_in_the_order_of_the_config_and_count_lost_clips(rows):
    assert [row.method for row in rows] == ["ours", "ground_truth", "frozen"]
    assert (rows[0].measured, rows[0].clips) == (2, 3)


def test_the_best_is_judged_by_direction_and_never_the_ground_truth(rows):
    assert best_methods(rows, "embedded", BY_NAME["psnr"]) == {"ours"}
    assert best_methods(rows, "embedded", BY_NAME["head_motion"]) == {"ours"}
    assert best_methods(rows, "embedded", BY_NAME["ssim"]) == set()


def test_csv_markdown_and_tex_tell_the_same(rows):
    table = pd.read_csv(pd.io.common.StringIO(to_csv(rows)))
    assert table.loc[0, "psnr"] == 24.0
    assert table.loc[0, "psnr_n"] == 2
    assert np.isnan(table.loc[1, "psnr"])
    page = to_markdown(rows, ["a note"])
    assert "| PSNR | ↑ | **24.00** ± 2.83 | – | 23.50 ± 0.71 |" in page
    assert "- a note" in page
    tex = to_tex(rows)
    assert r"PSNR & $\uparrow$ & \textbf{24.00} & -- & 23.50 \\" in tex
    assert r"ground\_truth" in tex


def test_an_empty_table_is_refused():
    with pytest.raises(UserError, match="no clip was measured"):
        make_rows(rows_of("psnr", "ours", []), KINDS, {}, 100)


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
