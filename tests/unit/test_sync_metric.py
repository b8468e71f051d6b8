"""Sync confidence and offset from embeddings whose true offset is known, and the table's columns for them."""

import numpy as np
import pandas as pd
import pytest

from dheads_model.metrics.sync import (
    SYNC_METRICS,
    measure_sync,
    offset_accuracy,
    offset_similarities,
    sync_confidence,
    sync_offset,
)
from dheads_model.tables.table1 import make_rows, refusals, to_csv, to_markdown
from tests.factories.tables import rows_of


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture
def going():
    """Embeddings of 60 windows, no two alike."""
    return unit(np.random.default_rng(0).normal(size=(60, 32)))


def test_the_score_peaks_at_no_shift(going):
    similarities = offset_similarities(going, going)
    assert similarities.shape == (50, 11)
    np.testing.assert_allclose(similarities[:, 5], 1)
    assert sync_offset(similarities) == 0
    assert sync_confidence(similarities) > 0.9


@pytest.mark.parametrize("late", [-4, -1, 2, 5])
def test_sound_that_is_late_by_k_frames_gives_minus_k(going, late):
    similarities = offset_similarities(going, np.roll(going, late, axis=0))
    assert sync_offset(similarities) == -late
    assert sync_confidence(similarities) > 0.8


def test_sound_of_something_else_gives_little_confidence(going):
    foreign = unit(np.random.default_rng(1).normal(size=(60, 32)))
    assert 0 < sync_confidence(offset_similarities(going, foreign)) < 0.1


def test_confidence_is_the_best_mean_less_the_median():
    similarities = np.array([[0.1, 0.9, 0.2], [0.3, 0.5, 0.2]])
    assert sync_confidence(similarities) == pytest.approx(0.7 - 0.2)


def test_only_windows_with_every_shift_count(going):
    assert offset_similarities(going[:11], going[:11]).shape == (1, 11)
    short = offset_similarities(going[:10], going[:10])
    assert short.shape == (0, 11)
    found = {m.metric: m for m in measure_sync(going[:10], going[:10], still=False)}
    assert set(found) == set(SYNC_METRICS)
    assert all(m.value is None and "fewer than 11 windows" in m.reason for m in found.values())


def test_a_still_mouth_has_no_offset(going):
    still = np.repeat(going[:1], 60, axis=0)
    confidence, offset = measure_sync(still, going, still=True)
    assert confidence.value < 0.2
    assert offset.value is None
    assert offset.reason == "a still mouth"
    assert [m.value for m in measure_sync(going, going, still=False)][1] == 0


def test_an_offset_at_the_edge_is_refused(going):
    _, offset = measure_sync(going, np.roll(going, 5, axis=0), still=False)
    assert (offset.value, offset.reason) == (None, "the best of 11 shifts is at their edge")


def test_accuracy_counts_windows_and_clips(going):
    right, wrong = offset_similarities(going, going), offset_similarities(going, np.roll(going, 1, axis=0))
    found = offset_accuracy([right, wrong, wrong[:0]])
    assert (found.windows, found.clips) == (100, 2)
    assert found.window_accuracy == 0.5
    assert found.window_accuracy_within_one == 1.0
    assert found.clip_accuracy == 0.5
    assert (found.chance, found.chance_within_one) == (1 / 11, 3 / 11)
    assert offset_accuracy([wrong[:0]]) is None


def table(*parts):
    kinds = {"ours": "model", "ground_truth": "ground_truth", "frozen": "frozen_first_frame"}
    return make_rows(pd.concat(parts), kinds, {}, "ours")


def test_the_table_has_the_columns_only_where_sync_was_measured():
    psnr = [rows_of("psnr", method, [20.0, 21.0]) for method in ("ours", "frozen")]
    without = table(*psnr)
    assert "sync_" not in to_csv(without) and "sync conf." not in to_markdown(without, [])
    rows = table(*psnr, rows_of("sync_confidence", "ours", [0.5, 0.7]), rows_of("sync_offset", "ours", [-5, 5]))
    assert pd.read_csv(pd.io.common.StringIO(to_csv(rows)))["sync_confidence"].iloc[0] == pytest.approx(0.6)
    assert "sync conf." in to_markdown(rows, [])


def test_a_mean_lag_of_nought_is_not_called_best():
    rows = table(
        *(rows_of("sync_offset", method, values) for method, values in
          (("ours", [-1, 1, 0]), ("frozen", [4, 4, 4]), ("ground_truth", [0, 0, 0])))
    )  # fmt: skip
    assert not any(row.best for row in rows)


def test_a_refusal_of_all_clips_is_told_once():
    refused = rows_of("sync_confidence", "ours", [None, None]).assign(reason="3 training clips, it needs 40")
    assert refusals(refused) == ["sync conf. of embedded was not measured: 3 training clips, it needs 40."]
    assert refusals(rows_of("sync_confidence", "ours", [None, 0.4])) == []
    itself = rows_of("sync_confidence", "ground_truth", [None]).assign(reason="itself", status="not_applicable")
    assert refusals(pd.concat([itself, refused])) == refusals(refused)
    assert refusals(itself) == []
    assert refusals(rows_of("blink_duration", "ours", [None])) == [], "these are every table's"
