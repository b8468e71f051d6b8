"""Videos from a model for the clips of a test shard: each from its first frame and its speech."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.manifest import Outcome, process_clips
from dheads_model.media.encode import write_video
from dheads_model.network.audio_input import encode_clip_audio, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import TalkingModel, pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard


@dataclasses.dataclass(frozen=True)
class ModelMethodSettings:
    """The config block of a method of kind model, whose keys `configuration.MethodSettings` describes."""

    kind: str
    run: str
    gpus: int
    sampling: SamplingSettings


def sample_shard(
    shard: Path | str,
    export: Path | str,
    published_audio_encoder: Path | str | None,
    sampling: SamplingSettings,
    seed: int,
    threads: int,
    output_folder: Path,
) -> list[Outcome]:
    """Sample and encode a video for each clip of a packed shard; returns the outcome of each clip.

    published_audio_encoder: the authors' audio_encoder.pt, if the imported model needs it.
    """
    model, config, facts = load_export(export)
    check_sampling(sampling, config)
    encoder = open_window_encoder(model, facts, published_audio_encoder)
    model = place_for_sampling(model, pick_device(), sampling.compiled)
    clips = {clip.clip: clip for clip in read_shard(shard)}
    total = sum(len(clip.frames) for clip in clips.values())
    with tqdm(total=total, unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress:
        videos = generate_videos(model, encoder, list(clips.values()), sampling, seed, threads, progress.update)

    def work(name: str, clip: ShardClip) -> dict:
        frames = resize_frames(videos[name], clip.frames.shape[1])
        write_video(output_folder / f"{name}.mp4", frames, clip.audio)
        return {"frames": len(frames), "seed": clip_seed(seed, name)}

    return process_clips(clips.items(), work)


def generate_videos(
    model: TalkingModel,
    encoder,
    clips: Sequence[ShardClip],
    sampling: SamplingSettings,
    seed: int,
    threads: int,
    report,
) -> dict[str, np.ndarray]:
    """{clip: generated frames uint8 `[T, S, S, 3]` at the model's size}, several clips at once.

    encoder: of `open_window_encoder`. seed: of all clips, see `clip_seed`. report: is called with the number of frames
    that were made. The model is on its device.
    """
    if not clips:
        return {}
    device = next(model.parameters()).device
    first = [resize_frames(clip.frames[:1], model.network_settings.image_size)[0] for clip in clips]
    identity = to_model_range(torch.stack([torch.from_numpy(frame) for frame in first])).to(device)
    features = [encode_clip_audio(encoder, clip.audio, clip.features).to(device) for clip in clips]
    seeds = [clip_seed(seed, clip.clip) for clip in clips]
    frames = rollout(model, identity, features, sampling, seeds, threads, report)
    return {clip.clip: video for clip, video in zip(clips, frames, strict=True)}
