"""A packed test shard with a tiny model, and jobs that sample its clips."""

import dataclasses
from pathlib import Path

from dheads_model.network.export import save_export
from dheads_model.stages.sample import SamplingJob, sample_clips
from tests.factories.networks import SMALL, make_model
from tests.factories.settings import plain_diffusion, plain_sampling
from tests.factories.shards import pack
from tests.workflow import call
from workflow_scripts import sample_videos

LENGTHS = {f"{speaker}_{number}": 5 + number for speaker in "ab" for number in range(4)}
SAMPLING = plain_sampling(steps=2, motion_noise=0.1, clips_at_once=2)


def make_export(folder: Path, name: str = "model.safetensors", **changed) -> Path:
    """The export of a tiny model with random weights, of other ones with a `shift`."""
    model = make_model()
    weights = {key: value + changed.get("shift", 0.0) for key, value in model.state_dict().items()}
    config = {
        "network": SMALL,
        "diffusion": plain_diffusion(),
        "conditioning_augmentation": {"audio_drop": 0.1, "mouth_drop": 0.0},
    }
    save_export(folder / name, weights, config, {})
    return folder / name


def make_test_shard(folder: Path, lengths: dict[str, int] | None = None) -> str:
    """Manifest of a packed test shard."""
    return pack(folder, split="test", lengths=lengths or LENGTHS)


def job_of(shard: str, folder: Path, per_job: int = 100, part: int = 0, subset: dict | None = None) -> SamplingJob:
    """A sampling job whose videos and records are in `folder`."""
    return SamplingJob(shard, subset, f"{part:04d}", (part * per_job, per_job), folder / "videos", folder / "state")


def sample(job: SamplingJob, export: Path, threads: int = 1, seed: int = 1, **sampling):
    """The outcomes of a job with SAMPLING, or with some other settings."""
    return sample_clips(job, export, None, dataclasses.replace(SAMPLING, **sampling), seed, threads)


def run_command_of(job: SamplingJob, export: Path, manifest: Path) -> None:
    """The command of a job, which writes its manifest."""
    method = {"kind": "model", "run": "ours", "gpus": 0, "sampling": dataclasses.asdict(SAMPLING)}
    call(
        sample_videos.main, settings=method, model=str(export), shard=job.shard, seed=1, threads=1, checksum=None,
        published_audio_encoder=None, videos_folder=job.videos, manifest=manifest, subset=job.subset, part=job.part,
        clips=job.span, state=job.state,
    )  # fmt: skip


def bytes_of(folder: Path) -> dict[str, bytes]:
    """{name: bytes} of the videos in a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.mp4"))}
