"""Figures of all methods: the strips hold every method's frames, and the flow maps show where pixels move."""

import cv2
import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.media.encode import write_video
from dheads_model.metrics.smoothness import flow_map, optical_flow
from dheads_model.stages.flow_maps import mean_flow_map, same_clip_of_all
from dheads_model.tables.figures import draw_methods
from dheads_model.tables.step_curves import draw_step_curves
from tests.factories.tables import steps_result
from tests.workflow import call
from workflow_scripts import draw_figures


def moving_below():
    """A picture whose lower half moves, uint8 `[12, 64, 64, 3]`."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (64, 128, 3), dtype=np.uint8), (0, 0), 2)
    frames = np.stack([np.concatenate([texture[:32, :64], texture[32:, n : 64 + n]]) for n in range(12)])
    return np.ascontiguousarray(frames)


def manifest(folder, clips, frames):
    folder.mkdir(parents=True)
    for clip in clips:
        write_video(folder / f"{clip}.mp4", frames, np.zeros(640 * len(frames), np.int16))
    stored = store_files([folder / f"{clip}.mp4" for clip in clips], folder / "00000.json")
    outcomes = tuple(Outcome(clip, "ok", "", "", {}) for clip in clips)
    write_manifest(folder / "00000.json", Manifest("sample_videos", "d", "test", "00000", {}, outcomes, stored))
    return str(folder / "00000.json")


def test_a_flow_map_shows_where_a_video_moves_and_its_mean_is_ofm():
    found = flow_map(moving_below())
    assert found[80:].mean() > 5 * found[:48].mean()
    assert found.mean() == pytest.approx(optical_flow(moving_below()), rel=1e-6)
    assert (flow_map(np.repeat(moving_below()[:1], 5, axis=0)) == 0).all()


def test_both_figures_from_videos_of_two_methods(tmp_path):
    still = np.repeat(moving_below()[:1], 12, axis=0)
    paths = [
        manifest(tmp_path / "ours" / "d", ["a", "b"], moving_below()), manifest(tmp_path / "frozen" / "d", ["b"], still),
    ]  # fmt: skip
    clip, frames = same_clip_of_all({"ours": paths[:1], "frozen": paths[1:]})
    assert (clip, set(frames)) == ("b", {"ours", "frozen"})
    assert mean_flow_map(paths[:1])[1] == 2
    settings = {"every_n_frames": 4, "max_frames": 3}
    for name in ("one", "two"):
        outputs = {"output_methods": str(tmp_path / f"{name}_m.png"), "output_flow": str(tmp_path / f"{name}_f.png")}
        call(draw_figures.main, videos=paths, settings=settings, **outputs)
    for kind in ("m", "f"):
        assert (tmp_path / f"one_{kind}.png").read_bytes() == (tmp_path / f"two_{kind}.png").read_bytes()
        assert cv2.imread(str(tmp_path / f"one_{kind}.png")).std() > 20


def test_names_of_methods_are_not_cut_off(tmp_path):
    names = ("ours", "ours_radius0_grey", "ours_radius0_rgb", "ours_radius2_rgb", "ground_truth", "frozen_first_frame")
    draw_methods("clip", dict.fromkeys(names, moving_below()), 1, 12, tmp_path / "m.png")
    picture = cv2.imread(str(tmp_path / "m.png"))
    assert (picture[:, :2] == 255).all(), "a white edge before the names"


def test_methods_without_a_clip_in_common_are_refused(tmp_path):
    paths = {name: [manifest(tmp_path / name / "d", [name], moving_below())] for name in ("ours", "frozen")}
    with pytest.raises(UserError, match=r"no clip has a video of every method \(ours, frozen\)"):
        same_clip_of_all(paths)


def test_curves_of_the_step_benchmark(tmp_path):
    for name in ("a.png", "b.png"):
        draw_step_curves(steps_result("2", "10"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    draw_step_curves(steps_result("2"), tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes() != (tmp_path / "a.png").read_bytes()
    with pytest.raises(UserError, match="has no rows"):
        draw_step_curves(steps_result(), tmp_path / "d.png")
