"""Kills at random moments and damaged files by the hundred. Opt-in, since it takes many minutes: `make chaos`."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dheads_model.corpora.plan import PlannedClip, plan_shards, write_plan
from dheads_model.manifest import read_manifest
from dheads_model.shards.index import read_index
from tests.conftest import TINY
from tests.workflow import ROOT, snakemake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("CHAOS" not in os.environ, reason="takes many minutes; run it with `make chaos`"),
]
KILLS, MUTANTS = int(os.environ.get("CHAOS_KILLS", "30")), int(os.environ.get("CHAOS_MUTANTS", "500"))
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2",
           "--configfile", str(TINY), "--rerun-incomplete", "--", "prepare"]  # fmt: skip
PATIENT = json.dumps({"always_allowed": 10_000, "failed_fraction": 1.0, "filtered_fraction": 1.0, "strict": True})


def test_kills_at_random_moments_leave_the_same_shards(finished, tmp_path):
    expected = read_index(finished.work / "resources/embedded/index.json").fingerprint
    moments = random.Random(1)
    for _ in range(KILLS):
        process = subprocess.Popen(COMMAND, cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(1.5, 12))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        subprocess.run([*COMMAND[:-2], "--unlock"], cwd=tmp_path, stderr=subprocess.DEVNULL, check=True)
    done = snakemake(ROOT, tmp_path, *COMMAND[5:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_index(tmp_path / "resources/embedded/index.json").fingerprint == expected
    assert not list((tmp_path / "resources").rglob("*.partial*"))


def mutate(content: bytes, chance: random.Random) -> bytes:
    """The content with one kind of damage."""
    kind = chance.choice(["flip", "flip", "cut", "zero", "hole", "swap", "head", "empty", "double", "noise"])
    at, size = chance.randrange(len(content)), chance.randrange(1, 5000)
    other = chance.randrange(len(content))
    if kind == "flip":
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 10, 300])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        return bytes(damaged)
    return {
        "cut": content[:at],
        "zero": content[:at] + bytes(size) + content[at + size :],
        "hole": content[:at] + content[at + size :],
        "swap": content[:at] + content[other : other + size] + content[at + size :],
        "head": chance.randbytes(min(size, 400)) + content[min(size, 400) :],
        "empty": b"",
        "double": content + content,
        "noise": content[:at] + chance.randbytes(size) + content[at + size :],
    }[kind]


@pytest.fixture(scope="module")
def originals(finished) -> list[tuple[str, bytes]]:
    """(ending, bytes) of sound clips, in several containers where the sample clips are at hand."""
    paths = sorted((finished.work / "resources/embedded/corpus/VideoFlash").glob("*.flv"))
    beside = ROOT.parent / "shared/samples/video"
    paths += sorted(beside.glob("grid/*.mpg"))[:2] + sorted(beside.glob("talking/*.mp4"))[:3]
    return [(path.suffix, path.read_bytes()) for path in paths]


def test_damaged_files_are_accounted_for_and_stop_nothing(originals, tmp_path):
    chance = random.Random(2)
    clips = []
    (tmp_path / "clips").mkdir()
    for number in range(MUTANTS):
        ending, content = originals[number % len(originals)]
        path = tmp_path / "clips" / f"m{number:04d}{ending}"
        path.write_bytes(mutate(content, chance))
        extra = {"bytes": path.stat().st_size}
        clips.append(PlannedClip(path.stem, path.stem, "test", "", str(path), extra))
    kept, lost = 0, {}
    for shard in plan_shards(clips, 50):
        folder = tmp_path / shard.shard
        write_plan(folder / "plan.json", "folder", shard)
        stages = ["adopt_clips", "track_faces", "align_faces", "crop_faces", "extract_audio"]
        for stage in stages:
            run_stage(stage, folder)
        for stage in stages:
            manifest = read_manifest(folder / f"{stage}.json")
            for outcome in manifest.clips:
                if outcome.status != "ok":
                    lost[outcome.clip] = f"{stage} {outcome.status} {outcome.reason}"
        kept += len(manifest.ok())
    assert kept + len(lost) == MUTANTS
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_500_000  # kilobytes
    reasons = sorted(set(lost.values()))
    summary = {reason: sum(value == reason for value in lost.values()) for reason in reasons}
    print(f"{MUTANTS} damaged files: {kept} kept, lost: {summary}")


SETTINGS = {"track_faces": "track", "align_faces": "align", "crop_faces": "crop", "extract_audio": "audio"}
INPUTS = {
    "adopt_clips": ["--plan", "plan.json", "--dataset", "folder"],
    "track_faces": ["--source", "adopt_clips.json", "--weights-folder", "none", "--output", "track.parquet"],
    "align_faces": ["--source", "adopt_clips.json", "--track", "track_faces.json", "--output", "align.parquet"],
    "crop_faces": ["--source", "adopt_clips.json", "--align", "align_faces.json", "--output", "crop.tar"],
    "extract_audio": ["--source", "adopt_clips.json", "--align", "align_faces.json", "--output", "audio.tar"],
}


def run_stage(stage: str, folder: Path) -> None:
    """Run one command on the shard in `folder`; it must end well within ten minutes."""
    import yaml

    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    settings = json.dumps(config[SETTINGS[stage]]) if stage in SETTINGS else "{}"
    command = [sys.executable, "-m", f"workflow_scripts.{stage}", "--settings", settings, "--budget", PATIENT,
               *INPUTS[stage], "--manifest", f"{stage}.json"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=600)
    assert done.returncode == 0, f"{folder}: {stage} ended with {done.returncode}: {done.stderr[-3000:]}"
