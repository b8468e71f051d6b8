"""Numbers and pictures of a prepared dataset: outliers are found, pose has the stated signs, pictures repeat."""

import cv2
import numpy as np
import pandas as pd
import pytest

from dheads_model.faces.pose import head_pose
from dheads_model.metrics.clip_quality import MEASURES, oddness
from dheads_model.tables.quality_report import contact_sheet, draw_sheet, with_landmarks, worst_clips

MODEL = np.array(
    [(0, 0, 0), (0, 330, 65), (-225, -170, 135), (225, -170, 135), (-150, 150, 125), (150, 150, 125)], float
)


def seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks `[1, 68, 2]` of a generic face turned to its left, up, towards its left shoulder, by a pinhole camera."""
    y, p, r = np.radians([-yaw, -pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = MODEL @ (about_z @ about_y @ about_x).T + (0, 0, 2000)
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, [30, 8, 36, 45, 48, 54]] = points[:, :2] / points[:, 2:] * 480 + (240, 180)
    return landmarks


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -15, 0), (0, 0, 10)])
def test_pose_of_a_turned_head(angles):
    assert head_pose(seen(*angles), 480, 360)[0] == pytest.approx(angles, abs=0.5)


def test_a_head_that_looks_to_its_left_shows_its_nose_on_the_right_of_the_picture():
    turned = seen(20, 0, 0)[0]
    assert turned[30, 0] > turned[[36, 45], 0].mean()


def test_oddness_counts_the_bad_side_only_and_needs_a_difference_that_matters():
    values = np.array([1.0, 1.0, 1.0, 1.0, 5.0, np.nan, -3.0])
    assert oddness(values, "high", 1.0).tolist() == [0, 0, 0, 0, 4, 0, 0]
    assert oddness(values, "low", 2.0).tolist() == [0, 0, 0, 0, 0, 0, 2]
    assert oddness(values, "both", 1.0).tolist() == [0, 0, 0, 0, 4, 0, 4]


@pytest.fixture
def table() -> pd.DataFrame:
    picture = cv2.imencode(".png", np.zeros((128, 128, 3), np.uint8))[1].tobytes()
    rows = [
        {"dataset": "d", "split": "train", "speaker": f"s{number % 4}", "clip": f"c{number:02d}",
         **dict.fromkeys(MEASURES, 1.0), "picture": picture}
        for number in range(12)
    ]  # fmt: skip
    result = pd.DataFrame(rows)
    result.loc[7, "lag"] = 5.0
    result.loc[3, "detected"] = 0.5
    return result


def test_the_worst_clip_is_named_with_what_is_odd_about_it(table):
    worst = worst_clips(table, 2)
    assert worst["clip"].tolist() == ["c03", "c07"]
    assert worst["measure"].tolist() == ["detected", "lag"]
    assert worst["value"].tolist() == [0.5, 5.0]


def test_the_sheet_shows_every_speaker_once_and_unknown_speakers_by_clip(table, tmp_path):
    assert [name for name, _ in contact_sheet(table, 100)] == ["s0", "s1", "s2", "s3"]
    assert len(contact_sheet(table, 2)) == 2
    assert len(contact_sheet(table.assign(speaker="unknown"), 5)) == 5
    draw_sheet(contact_sheet(table, 100), tmp_path / "a.png")
    draw_sheet(contact_sheet(table, 100), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert cv2.imread(str(tmp_path / "a.png")).shape == (144, 512, 3)


def test_landmarks_are_drawn_where_they_are():
    drawn = with_landmarks(np.zeros((64, 64, 3), np.uint8), np.array([[10.0, 20.0], [np.nan, 1.0]]))
    y, x = np.unravel_index(drawn[:, :, 1].argmax(), drawn.shape[:2])
    assert drawn.shape == (128, 128, 3)
    assert abs(x - 20.5) <= 2 and abs(y - 40.5) <= 2
