"""Videos of one model at each step count: test clips, and one long video for the drift."""

import dataclasses
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tqdm import tqdm

from dheads_model.config import build
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.samplers import SAMPLERS
from dheads_model.diffusion.sampling_cost import evaluations_of
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.errors import UserError
from dheads_model.files import write_json
from dheads_model.manifest import store_files
from dheads_model.media.clock import SAMPLES_PER_FRAME
from dheads_model.media.encode import encode_video
from dheads_model.media.features import log_filterbank
from dheads_model.network.audio_input import encode_clip_audio, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import device_name, pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.shards.tar import write_tar
from dheads_model.stages.sample import ModelMethodSettings
from workflow_scripts.command import command_parser, run_command

STEPS = (1, 2, 3, 5, 8, 16, 32, 100)
MOST = 100  # the others are compared with it
PUBLISHED = "published algorithm, 100"
LONG = "long"


def variants(settings: SamplingSettings, parameterization: str) -> dict[str, SamplingSettings]:
    """{row: sampler settings}: the method's own at each step count, and the published algorithm (no guidance)."""
    discrete = SAMPLERS[settings.sampler].ddpm_levels and parameterization == "ddpm"
    rows = {str(steps): dataclasses.replace(settings, steps=steps) for steps in STEPS if steps > 1 or not discrete}
    sampler = "ancestral_ddpm" if parameterization == "ddpm" else "ddim"
    return rows | {PUBLISHED: dataclasses.replace(settings, sampler=sampler, eta=1.0, steps=MOST, guidance_scale=1.0)}


def chosen_clips(shards: list[str], count: int) -> list[ShardClip]:
    """`count` clips of the shards, of as many speakers as there are, in a fixed order; UserError when there is none."""
    turns: dict[str, int] = {}
    ordered = []
    for clip in sorted((clip for path in shards for clip in read_shard(path)), key=lambda clip: clip.clip):
        turns[clip.speaker] = turns.get(clip.speaker, 0) + 1
        ordered.append((turns[clip.speaker], clip.clip, clip))
    if not ordered:
        raise UserError("there is no test clip to measure on; see results/data_card.csv for the reasons.")
    return [clip for *_, clip in sorted(ordered, key=lambda item: item[:2])][:count]


def long_speech(clips: list[ShardClip], frames: int) -> np.ndarray:
    """Audio of all clips, concatenated and repeated: int16 `[640 frames]`."""
    return np.resize(np.concatenate([clip.audio for clip in clips]), frames * SAMPLES_PER_FRAME)


def main(arguments) -> None:
    torch.set_num_threads(1)
    settings = build(ModelMethodSettings, arguments.settings, "methods.NAME").sampling
    model, config, facts = load_export(arguments.model)
    check_sampling(settings, config)
    encoder = open_window_encoder(model, facts, arguments.published_audio_encoder)
    device = pick_device()
    model = place_for_sampling(model, device, settings.compiled)
    clips = chosen_clips(arguments.shards, arguments.clips)
    # One more video: the identity of the first clip with the audio of all.
    speech = long_speech(clips, arguments.long_frames)
    columns = log_filterbank(speech, model.network_settings.feature_bands)
    features = {
        "clips": [encode_clip_audio(encoder, clip.audio, clip.features).to(device) for clip in clips],
        LONG: [encode_clip_audio(encoder, speech, columns).to(device)],
    }
    size, shown = model.network_settings.image_size, clips[0].frames.shape[1]
    faces = np.stack([resize_frames(clip.frames[:1], size)[0] for clip in clips])
    identity = to_model_range(torch.from_numpy(faces)).to(device)
    rows = variants(settings, model.diffusion_settings.parameterization)
    # The most expensive first, for an even load of the cores.
    order = sorted(rows, key=lambda name: -evaluations_of(rows[name]))
    tasks = [(name, what) for what in (LONG, "clips") for name in order]

    def make(task: tuple[str, str]) -> list[bytes]:
        name, what = task
        chosen = rows[name] if what == "clips" else dataclasses.replace(rows[name], clips_at_once=1)
        names = [clip.clip for clip in clips] if what == "clips" else [LONG]
        seeds = [clip_seed(arguments.seed, clip) for clip in names]
        made = rollout(model, identity[: len(names)], features[what], chosen, seeds, report=progress.update)
        return [encode_video(resize_frames(video, shown)) for video in made]

    frames = len(rows) * sum(len(part) for parts in features.values() for part in parts)
    with tqdm(total=frames, unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress:
        if device.type == "cpu":
            with ThreadPoolExecutor(arguments.threads) as pool:
                videos = dict(zip(tasks, pool.map(make, tasks), strict=True))
        else:
            videos = {task: make(task) for task in tasks}

    def members() -> Iterator[tuple[str, bytes]]:
        for number, name in enumerate(rows):
            for clip, video in zip(clips, videos[name, "clips"], strict=True):
                yield f"{number}/clips/{clip.clip}.mp4", video
            yield f"{number}/{LONG}.mp4", videos[name, LONG][0]

    write_tar(arguments.tar, members())
    result = {
        "device": device_name(device),
        "model": {"facts": facts, "sampling": dataclasses.asdict(settings)},
        "clips": [clip.clip for clip in clips],
        "long_frames": arguments.long_frames,
        "rows": [
            {"name": name, "passes": evaluations_of(chosen)} for name, chosen in rows.items()
        ],  # as numbered in the tar
        "file": dataclasses.asdict(store_files([arguments.tar], arguments.output)[0]),
    }
    write_json(arguments.output, result)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--clips", type=int, default=8, help="test clips, of as many speakers as there are")
    parser.add_argument("--long-frames", type=int, default=1000, help="frames of the long video, at least 100")
    parser.add_argument("--published-audio-encoder", nargs="?", help="audio_encoder.pt, where the model needs it")
    parser.add_argument("--shards", nargs="+", required=True)
    for name in ("--model", "--tar", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.benchmarks.sample_steps", parser, main)
