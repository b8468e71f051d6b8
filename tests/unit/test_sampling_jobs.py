"""Sampling jobs: videos do not depend on the size of a job, and what is finished outlives kills, signals and re-runs."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest

from dheads_model.diffusion import rollout, sampling_cost
from dheads_model.diffusion.rollout import ClipInput, rollout_each
from dheads_model.diffusion.sampling_cost import SamplingCost
from dheads_model.errors import EXIT_INTERRUPTED, EXIT_RETRY, Interrupted, UserError
from dheads_model.manifest import read_manifest
from dheads_model.stages import sample as stage
from tests.factories.rollout import LENGTHS as ROLLOUT_LENGTHS
from tests.factories.rollout import SETTINGS, sampling_clips, sampling_model
from tests.factories.sampling import (
    LENGTHS,
    SAMPLING,
    bytes_of,
    job_of,
    make_export,
    make_test_shard,
    run_command_of,
    sample,
)
from tests.workflow import ROOT, call
from workflow_scripts import gather_videos


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """(shard, export, the videos of an undisturbed job)"""
    folder = tmp_path_factory.mktemp("sampling")
    shard, export = make_test_shard(folder), make_export(folder)
    sample(job_of(shard, folder), export)
    return shard, export, bytes_of(folder / "videos")


def test_videos_do_not_depend_on_the_size_of_a_job_nor_on_threads(given, tmp_path):
    shard, export, expected = given
    assert set(expected) == {f"{clip}.mp4" for clip in LENGTHS}
    for per_job, threads in ((3, 1), (100, 3)):
        folder = tmp_path / f"{per_job}"
        for part in range(-(-len(LENGTHS) // per_job)):
            sample(job_of(shard, folder, per_job, part), export, threads)
        assert bytes_of(folder / "videos") == expected


def test_memory_holds_only_the_clips_that_are_being_generated():
    model, (identity, sound, seeds) = sampling_model(), sampling_clips()
    opened, closed, most = [], [], []

    def input_of(clip: int) -> ClipInput:
        def open_clip():
            opened.append(clip)
            most.append(len(opened) - len(closed))
            return identity[clip], sound[clip]

        return ClipInput(len(sound[clip]), seeds[clip], open_clip)

    inputs = [input_of(clip) for clip in range(len(sound))]
    settings = dataclasses.replace(SETTINGS, clips_at_once=2)
    rollout_each(model, identity.device, inputs, settings, lambda clip, frames: closed.append((clip, len(frames))))
    assert sorted(closed) == list(enumerate(ROLLOUT_LENGTHS))
    assert max(most) == 2


def test_a_second_try_of_the_same_job_samples_nothing(given, tmp_path, monkeypatch):
    shard, export, expected = given
    first = sample(job_of(shard, tmp_path), export)
    monkeypatch.setattr(stage, "load_export", lambda path: pytest.fail("the model is not needed"))
    # A job of another size finds them too.
    assert sample(job_of(shard, tmp_path), export) == first
    assert sample(job_of(shard, tmp_path, 3, 1), export) == first[3:6]
    assert bytes_of(tmp_path / "videos") == expected


def sampled_clips(monkeypatch) -> list[str]:
    """The clips that are generated from now on."""
    made, original = [], stage.rollout_each

    def recorded(model, device, inputs, settings, done, *more):
        made.extend(one.seed for one in inputs)
        original(model, device, inputs, settings, done, *more)

    monkeypatch.setattr(stage, "rollout_each", recorded)
    return made


@pytest.mark.parametrize("change", ["model", "seed", "settings", "code", "one clip", "one video", "one video gone"])
def test_only_what_decides_a_video_makes_it_again(given, tmp_path, monkeypatch, change):
    shard, export, expected = given
    job = job_of(shard, tmp_path)
    sample(job, export)
    made = sampled_clips(monkeypatch)
    how = {}
    if change == "model":
        export = make_export(tmp_path, "other.safetensors", shift=0.01)
    elif change == "seed":
        how = {"seed": 2}
    elif change == "settings":
        how = {"steps": 3}
    elif change == "code":
        monkeypatch.setattr(stage, "digest", lambda *given, **more: "other code")
    elif change == "one clip":
        job = dataclasses.replace(job, shard=make_test_shard(tmp_path, LENGTHS | {"b_3": 9}))
    elif change == "one video":
        (tmp_path / "videos/a_1.mp4").write_bytes(b"damaged")
    else:
        (tmp_path / "videos/a_1.mp4").unlink()
    sample(job, export, **how)
    assert len(made) == (1 if change.startswith("one") else len(LENGTHS))
    again = bytes_of(tmp_path / "videos")
    if change in ("code", "one video", "one video gone"):
        assert again == expected
    else:
        assert again != expected
    # Back to the first settings: no video of the others passes for one of these.
    monkeypatch.undo()
    sample(job_of(shard, tmp_path), given[1])
    assert bytes_of(tmp_path / "videos") == expected


@pytest.mark.parametrize(("number", "code"), [(signal.SIGUSR1, EXIT_RETRY), (signal.SIGINT, EXIT_INTERRUPTED)])
def test_a_signal_ends_the_job_and_the_next_try_makes_the_other_videos(given, tmp_path, monkeypatch, number, code):
    shard, export, expected = given
    frames, original = [], rollout.next_frames

    def counted(*arguments):
        frames.append(1)
        if len(frames) == 12:
            os.kill(os.getpid(), number)
        return original(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="the finished ones are kept") as stop:
        patch.setattr(rollout, "next_frames", counted)
        sample(job_of(shard, tmp_path), export)
    assert stop.value.exit_code == code
    first = bytes_of(tmp_path / "videos")
    assert 0 < len(first) < len(expected)
    times = {name: (tmp_path / "videos" / name).stat().st_mtime_ns for name in first}
    made = sampled_clips(monkeypatch)
    sample(job_of(shard, tmp_path), export)
    assert len(made) == len(expected) - len(first)
    assert bytes_of(tmp_path / "videos") == expected
    assert {name: (tmp_path / "videos" / name).stat().st_mtime_ns for name in first} == times


# The command, killed when its third video is in place and not yet recorded.
_KILLED = """
import os, runpy, signal, sys
from dheads_model.stages.finished_videos import FinishedVideos
add, calls = FinishedVideos.add, []
def killed(*given):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    add(*given)
FinishedVideos.add = killed
runpy.run_module("workflow_scripts.sample_videos", run_name="__main__")
"""


def test_a_killed_job_is_continued_to_the_same_bytes(given, tmp_path):
    shard, export, expected = given
    method = {"kind": "model", "run": "ours", "gpus": 0, "sampling": dataclasses.asdict(SAMPLING)}
    arguments = [
        "--settings", json.dumps(method), "--shard", shard, "--model", str(export), "--seed", "1", "--clips", "0", "100",
        "--videos-folder", str(tmp_path / "videos"), "--state", str(tmp_path / "state"),
        "--manifest", str(tmp_path / "videos/parts/00000.0000.json"),
    ]  # fmt: skip
    killed = subprocess.run([sys.executable, "-c", _KILLED, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert len(bytes_of(tmp_path / "videos")) == 3
    recorded = {json.loads(line)["clip"] for line in (tmp_path / "state/00000.0000.jsonl").read_text().splitlines()}
    times = {clip: (tmp_path / f"videos/{clip}.mp4").stat().st_mtime_ns for clip in recorded}
    command = [sys.executable, "-m", "workflow_scripts.sample_videos", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"2 of {len(LENGTHS)} videos are finished already and kept" in done.stderr
    assert len(recorded) == 2 and bytes_of(tmp_path / "videos") == expected
    assert {clip: (tmp_path / f"videos/{clip}.mp4").stat().st_mtime_ns for clip in recorded} == times


def test_a_line_that_a_power_cut_left_unfinished_is_no_finished_video(given, tmp_path, monkeypatch):
    shard, export, expected = given
    sample(job_of(shard, tmp_path), export)
    record = tmp_path / "state/00000.0000.jsonl"
    record.write_text(record.read_text()[:-20])
    made = sampled_clips(monkeypatch)
    sample(job_of(shard, tmp_path), export)
    assert len(made) == 1 and bytes_of(tmp_path / "videos") == expected


def test_one_manifest_of_all_jobs_of_a_shard(given, tmp_path):
    shard, export, expected = given
    parts = [tmp_path / f"videos/parts/00000.{part:04d}.json" for part in range(3)]
    for part, path in enumerate(parts):
        run_command_of(job_of(shard, tmp_path, 3, part), export, path)
    arguments = {"shard": shard, "parts": [str(path) for path in parts], "settings": {"kind": "model"}}
    whole = tmp_path / "videos/00000.json"
    call(gather_videos.main, manifest=str(whole), **arguments)
    manifest = read_manifest(whole)
    assert list(manifest.ok()) == list(LENGTHS) and manifest.split == "test"
    assert [file.name for file in manifest.files] == list(expected)
    (tmp_path / "videos/a_1.mp4").write_bytes(b"altered")
    with pytest.raises(UserError, match=r"a_1\.mp4 is truncated or altered; delete .*00000\.0000\.json"):
        call(gather_videos.main, manifest=str(whole), **arguments)


def test_the_cost_is_stated_before_the_first_frame(given, tmp_path, caplog):
    shard, export, _ = given
    caplog.set_level("INFO")
    sample(job_of(shard, tmp_path, subset={"clips": 3, "seed": 0}), export, steps=7, guidance_scale=2.0)
    line = next(record.getMessage() for record in caplog.records if "NFE" in record.getMessage())
    frames = sum(facts["frames"] for facts in map(dict, [o.facts for o in job_outcomes(tmp_path, shard, export)]))
    assert f"3 clips, {frames} frames at 14 NFE: {frames * 14} network evaluations" in line
    assert "GFLOP, about " in line and line.endswith("on this device")


def job_outcomes(folder, shard, export):
    return sample(job_of(shard, folder, subset={"clips": 3, "seed": 0}), export, steps=7, guidance_scale=2.0)


def test_time_is_that_of_all_turns_of_the_batches(monkeypatch):
    monkeypatch.setattr(sampling_cost, "_seconds", lambda *given: (0.5, 0.1))
    model, device = sampling_model(), sampling_clips()[0].device
    settings = dataclasses.replace(SETTINGS, steps=4, guidance_scale=2.0, clips_at_once=2)
    cost = SamplingCost.of(model, [20] * 6, settings, 3, device)
    assert (cost.clips, cost.frames, cost.evaluations) == (6, 120, 8)
    # Three workers with two clips each; four evaluations of the doubled batch for each frame.
    assert cost.seconds == pytest.approx(20 * (0.5 + 4 * 0.1))
    assert SamplingCost.of(model, [20] * 6, settings, 1, device).seconds == pytest.approx(3 * cost.seconds)
    assert cost.flop > 0
