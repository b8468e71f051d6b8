"""Videos from a model for clips of a test shard: each from its first frame and its speech, and in place as soon as it is made."""

import dataclasses
import logging
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from dheads_model.config import short_hash
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import ClipInput, clip_seed, rollout_each
from dheads_model.diffusion.sampling_cost import SamplingCost
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.errors import Interrupted
from dheads_model.files import sha256_of
from dheads_model.fingerprint import digest
from dheads_model.manifest import Outcome, process_clips, read_manifest
from dheads_model.media.encode import write_video
from dheads_model.network.audio_input import encode_clip_audio, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import StoredClip, locate_clips
from dheads_model.shards.subset import choose_clips
from dheads_model.stages.finished_videos import FinishedVideos
from dheads_model.training.interruption import SignalWatch

# Modules that report and stop, and do not change a video.
REPORTING = ("dheads_model.diffusion.sampling_cost", "dheads_model.training.interruption")
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ModelMethodSettings:
    """The config block of a method of kind model, whose keys `configuration.MethodSettings` describes."""

    kind: str
    run: str
    gpus: int
    sampling: SamplingSettings


@dataclasses.dataclass(frozen=True)
class SamplingJob:
    """Clips of one job, and where their videos go.

    shard: manifest of the packed test shard. subset: of its clips, see `choose_clips`. part: number of the job among those
    of the shard, four digits. span: its first one of the chosen clips, and how many. videos: folder of the videos. state:
    folder of the records of finished videos.
    """

    shard: Path | str
    subset: Mapping | None
    part: str
    span: tuple[int, int]
    videos: Path
    state: Path

    def clips(self) -> list[StoredClip]:
        """The clips of the job, in order."""
        stored = {clip.clip: clip for clip in locate_clips(self.shard)}
        first, count = self.span
        return [stored[clip] for clip in choose_clips(list(stored), self.subset)[first : first + count]]


def sample_clips(
    job: SamplingJob,
    export: Path | str,
    published_audio_encoder: Path | str | None,
    sampling: SamplingSettings,
    seed: int,
    threads: int,
) -> list[Outcome]:
    """Sample and encode a video for each clip of a job; returns the outcome of each clip.

    A video is written when it is finished, and kept by the next try of the same job, if the model, the settings, the seed,
    the code and the clip are the same. published_audio_encoder: the authors' audio_encoder.pt, if the imported model needs
    it. Raises Interrupted after a signal to stop; the clips that are not finished are then made by the next try.
    """
    clips = job.clips()
    made_with = {
        "model": sha256_of(export),
        "audio encoder": published_audio_encoder and sha256_of(published_audio_encoder),
        "sampling": dataclasses.asdict(sampling),
        "seed": seed,
        "code": digest("dheads_model.stages.sample", without=REPORTING),
    }
    identities = {clip.clip: short_hash(made_with | {"clip": clip.sha256()}) for clip in clips}
    finished = FinishedVideos(job.state, read_manifest(job.shard).shard, job.part)
    kept = finished.kept(identities, job.videos)
    outcomes = {
        clip: Outcome(clip, "ok", facts={"frames": frames, "seed": clip_seed(seed, clip)})
        for clip, frames in kept.items()
    }
    if kept:
        log.info("%d of %d videos are finished already and kept", len(kept), len(clips))
    waiting = [clip for clip in clips if clip.clip not in kept]
    if waiting:
        for outcome in _sample(
            job, waiting, export, published_audio_encoder, sampling, seed, threads, finished, identities
        ):
            outcomes[outcome.clip] = outcome
    return [outcomes[clip.clip] for clip in clips]


def _sample(
    job, waiting, export, published_audio_encoder, sampling, seed, threads, finished, identities
) -> list[Outcome]:
    model, config, facts = load_export(export)
    check_sampling(sampling, config)
    encoder = open_window_encoder(model, facts, published_audio_encoder)
    device = pick_device()
    model = place_for_sampling(model, device, sampling.compiled)
    lengths = {name: facts["frames"] for name, facts in read_manifest(job.shard).ok().items()}
    size = model.network_settings.image_size
    outcomes: list[Outcome] = []
    lock = threading.Lock()

    def clip_input(clip: StoredClip) -> ClipInput:
        def open_clip() -> tuple[Tensor, Tensor]:
            whole = clip.read()
            first = torch.from_numpy(resize_frames(whole.frames[:1], size))
            return to_model_range(first)[0], encode_clip_audio(encoder, whole.audio, whole.features)

        return ClipInput(lengths[clip.clip], clip_seed(seed, clip.clip), open_clip)

    def write(name: str, item: tuple[StoredClip, np.ndarray]) -> dict:
        clip, frames = item
        whole = clip.read()
        path = job.videos / f"{name}.mp4"
        write_video(path, resize_frames(frames, whole.frames.shape[1]), whole.audio)
        with lock:
            finished.add(name, identities[name], path, len(frames))
        return {"frames": len(frames), "seed": clip_seed(seed, name)}

    def done(number: int, frames: np.ndarray) -> None:
        clip = waiting[number]
        outcomes.extend(process_clips([(clip.clip, (clip, frames))], write))

    inputs = [clip_input(clip) for clip in waiting]
    total = sum(one.frames for one in inputs)
    with SignalWatch() as signals:
        log.info(SamplingCost.of(model, [one.frames for one in inputs], sampling, threads, device).report())
        with tqdm(total=total, unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress:

            def report(count: int) -> None:
                progress.update(count)
                if signals.stopped:
                    raise Interrupted(
                        f"stopped by a signal after {len(outcomes)} of {len(waiting)} videos; the finished ones are kept",
                        signals.exit_code,
                    )

            rollout_each(model, device, inputs, sampling, done, threads, report)
    return outcomes
