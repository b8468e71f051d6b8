"""Measure what fewer steps cost: mouth, liveliness, sharpness and drift of each step count beside 100 steps."""

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from dheads_model.config import build
from dheads_model.diffusion.conditions import pictures
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.sampling import SamplingSettings, check_sampling
from dheads_model.errors import UserError
from dheads_model.files import write_json, write_text
from dheads_model.media.clock import SAMPLES_PER_FRAME
from dheads_model.media.features import log_filterbank
from dheads_model.metrics.liveliness import clips_row, long_row, lost, measure_video
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.sound import hear_clip, open_window_encoder
from dheads_model.network.talking_model import pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.tables.steps import to_markdown
from workflow_scripts.command import parser, run
from workflow_scripts.machine import machine_facts
from workflow_scripts.sample_videos import MethodSettings

STEPS = (1, 2, 3, 5, 8, 16, 32, 100)
MOST = 100  # what the others are held against
PUBLISHED = "published algorithm, 100"


def variants(settings: SamplingSettings, form: str) -> dict[str, SamplingSettings]:
    """{row: sampler settings}: the method's own at each step count, and the published algorithm (no guidance)."""
    discrete = settings.sampler == "ancestral_ddpm" or (settings.sampler == "ddim" and form == "ddpm")
    rows = {str(steps): dataclasses.replace(settings, steps=steps) for steps in STEPS if steps > 1 or not discrete}
    sampler = "ancestral_ddpm" if form == "ddpm" else "ddim"
    return rows | {PUBLISHED: dataclasses.replace(settings, sampler=sampler, eta=1.0, steps=MOST, guidance=1.0)}


def passes_of(settings: SamplingSettings) -> int:
    """Passes of the network a frame at most; guidance doubles them within its interval."""
    once = 2 * settings.steps - 1 if settings.sampler == "heun" else settings.steps
    return once * (1 if settings.guidance == 1 else 2)


def chosen_clips(shards: list[str], count: int) -> list[ShardClip]:
    """`count` clips of the shards, of as many speakers as there are, in a fixed order."""
    turns: dict[str, int] = {}
    ordered = []
    for clip in sorted((clip for path in shards for clip in read_shard(path)), key=lambda clip: clip.clip):
        turns[clip.speaker] = turns.get(clip.speaker, 0) + 1
        ordered.append((turns[clip.speaker], clip.clip, clip))
    return [clip for *_, clip in sorted(ordered, key=lambda item: item[:2])][:count]


def main(given) -> None:
    torch.set_num_threads(1)
    settings = build(MethodSettings, given.settings["method"], "methods.NAME").sampling
    model, config, facts = load_export(given.model)
    check_sampling(settings, config)
    encoder = open_window_encoder(model, facts, given.published_audio_encoder)
    device = pick_device()
    model = place_for_sampling(model, device, settings.compiled)
    clips = chosen_clips(given.shards, given.clips)
    if not clips:
        raise UserError("there is no test clip to measure on; look at results/data_card.csv for where they went.")
    # One more video: the first clip's person says all clips, one after the other, over and over.
    speech = np.resize(np.concatenate([clip.audio for clip in clips]), given.long_frames * SAMPLES_PER_FRAME)
    columns = log_filterbank(speech, model.network_settings.feature_bands)
    heard = {
        "clips": [hear_clip(encoder, clip.audio, clip.features).to(device) for clip in clips],
        "long": [hear_clip(encoder, speech, columns).to(device)],
    }
    size, shown = model.network_settings.image_size, clips[0].frames.shape[1]
    faces = np.stack([resize_frames(clip.frames[:1], size)[0] for clip in clips])
    identity = pictures(torch.from_numpy(faces)).to(device)
    rows = variants(settings, model.diffusion_settings.form)
    # The costliest first, so that no core waits for them in the end.
    order = sorted(rows, key=lambda name: -passes_of(rows[name]))
    tasks = [(name, what) for what in ("long", "clips") for name in order]

    def make(task: tuple[str, str]) -> list[np.ndarray]:
        name, what = task
        chosen = rows[name] if what == "clips" else dataclasses.replace(rows[name], clips_at_once=1)
        names = [clip.clip for clip in clips] if what == "clips" else ["long"]
        seeds = [clip_seed(given.seed, clip) for clip in names]
        made = rollout(model, identity[: len(names)], heard[what], chosen, seeds, report=progress.update)
        return [resize_frames(video, shown) for video in made]

    frames = len(rows) * sum(len(part) for parts in heard.values() for part in parts)
    workers = 1 if device.type == "cuda" else given.threads
    with (
        tqdm(total=frames, unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress,
        ThreadPoolExecutor(workers) as pool,
    ):
        videos = dict(zip(tasks, pool.map(make, tasks), strict=True))

    def measured(videos: list[np.ndarray], sounds: list[np.ndarray]) -> list[dict]:
        backend = given.settings["backend"]
        return [measure_video(*pair, backend, given.weights_folder) for pair in zip(videos, sounds, strict=True)]

    sounds, lengths = [clip.audio for clip in clips], [len(clip.frames) for clip in clips]
    found = {
        name: {
            "passes": passes_of(rows[name]),
            "clips": clips_row(measured(videos[name, "clips"], sounds), lengths),
            "long": long_row(videos[name, "long"][0], measured(videos[name, "long"], [speech])[0]),
        }
        for name in rows
    }
    for row in found.values():
        row["lost"] = lost(row, found[str(MOST)])
    truth = {"clips": clips_row(measured([clip.frames for clip in clips], sounds), lengths)}
    result = {
        "command": f"snakemake --cores {given.threads} {given.output}",
        "machine": machine_facts(),
        "model": {"facts": facts, "sampling": dataclasses.asdict(settings)},
        "clips": len(clips),
        "clip_frames": sum(lengths),
        "long_frames": given.long_frames,
        "rows": {"ground truth": truth} | found,
    }
    write_json(given.output, result)
    write_text(Path(given.output).with_suffix(".md"), to_markdown(result))


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--seed", type=int, required=True)
    arguments.add_argument("--clips", type=int, default=8, help="test clips, of as many speakers as there are")
    arguments.add_argument("--long-frames", type=int, default=1000, help="frames of the long video, at least 100")
    arguments.add_argument("--weights-folder", default="resources/weights")
    arguments.add_argument("--published-audio-encoder", nargs="?", help="audio_encoder.pt, where the model needs it")
    arguments.add_argument("--shards", nargs="+", required=True)
    for name in ("--model", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.benchmark_steps", arguments, main)
