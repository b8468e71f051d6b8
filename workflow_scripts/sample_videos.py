"""Videos from a model for the clips of a test shard: each from its first frame and its speech, several in a batch."""

import dataclasses
import sys
from pathlib import Path

import torch
from tqdm import tqdm

from dheads_model.checksum import verify_checksum
from dheads_model.config import build
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.manifest import process_clips, read_manifest
from dheads_model.media.encode import write_video
from dheads_model.network.audio_input import encode_clip_audio, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard
from workflow_scripts.command import parser, run
from workflow_scripts.finish import finish_stage


@dataclasses.dataclass(frozen=True)
class MethodSettings:
    """The config block of a method of kind model; the schema describes each key."""

    kind: str
    run: str
    gpus: int
    sampling: SamplingSettings


def main(given) -> None:
    torch.set_num_threads(given.threads)
    settings = build(MethodSettings, given.settings, "methods.NAME")
    if given.checksum:
        verify_checksum(given.model)
    model, config, facts = load_export(given.model)
    check_sampling(settings.sampling, config)
    encoder = open_window_encoder(model, facts, given.published_audio_encoder)
    device = pick_device()
    model = place_for_sampling(model, device, settings.sampling.compiled)
    shard = read_manifest(given.shard)
    clips = {clip.clip: clip for clip in read_shard(given.shard)}
    total = sum(len(clip.frames) for clip in clips.values())
    with tqdm(total=total, unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress:
        videos = generate_videos(model, encoder, list(clips.values()), settings, given, device, progress.update)
    folder = Path(given.videos_folder)

    def work(name: str, clip: ShardClip) -> dict:
        frames = resize_frames(videos[name], clip.frames.shape[1])
        write_video(folder / f"{name}.mp4", frames, clip.audio)
        return {"frames": len(frames), "seed": clip_seed(given.seed, name)}

    outcomes = process_clips(clips.items(), work)
    files = [folder / f"{o.clip}.mp4" for o in outcomes if o.status == "ok"]
    finish_stage(
        given,
        "sample_videos",
        shard.dataset,
        shard,
        outcomes,
        files,
        made_from=[given.shard, *filter(None, [given.checksum])],
        outside=filter(None, [given.published_audio_encoder, None if given.checksum else given.model]),
        more_settings={"seed": given.seed, "model": given.model},
    )


def generate_videos(model, encoder, clips: list[ShardClip], settings: MethodSettings, given, device, report) -> dict:
    """{clip: generated frames uint8 `[T, S, S, 3]` at the model's size}, several clips at once."""
    if not clips:
        return {}
    first = [resize_frames(clip.frames[:1], model.network_settings.image_size)[0] for clip in clips]
    identity = to_model_range(torch.stack([torch.from_numpy(frame) for frame in first])).to(device)
    features = [encode_clip_audio(encoder, clip.audio, clip.features).to(device) for clip in clips]
    seeds = [clip_seed(given.seed, clip.clip) for clip in clips]
    frames = rollout(model, identity, features, settings.sampling, seeds, given.threads, report)
    return {clip.clip: video for clip, video in zip(clips, frames, strict=True)}


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument(
        "--published-audio-encoder", nargs="?", help="audio_encoder.pt, where an imported model needs it"
    )
    arguments.add_argument("--checksum", nargs="?", help="checksum file of a model that was trained here")
    for name in ("--shard", "--model", "--videos-folder", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.sample_videos", arguments, main)
