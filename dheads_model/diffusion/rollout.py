"""Autoregressive rollout: each frame is conditioned on the identity frame, the motion frames and the audio window."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dheads_model.diffusion.augmentation import add_motion_noise, hide_mouth
from dheads_model.diffusion.blinks import eye_closures
from dheads_model.diffusion.conditions import Conditions, to_motion_input, to_uint8
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.threads import one_thread

MOTION_NOISE = -1  # number of the draw for noise on the motion frames; 0 is the initial noise, 1, 2, ... the steps

Noise = Callable[[int, int, int, tuple[int, ...]], Tensor]
"""noise(clip, frame, number, shape): the normal noise of one draw, a float32 tensor of that shape on the CPU."""


def rollout(
    model: TalkingModel,
    identity: Tensor,
    audio_features: Sequence[Tensor],
    settings: SamplingSettings,
    seeds: Sequence[int],
    workers: int = 1,
    report: Callable[[int], object] | None = None,
) -> list[np.ndarray]:
    """Videos of several clips, uint8 `[T_i, S, S, 3]` each.

    identity `[N, 3, S, S]` in [-1, 1]; audio_features: per clip from `encode_clip_audio`, `[T_i, 4, bands]` or embeddings
    `[T_i, D]`; seeds: one per clip, see `clip_seed`. workers: threads that generate clips in parallel on a
    CPU, each with one thread inside, because libraries choose other algorithms for another number of threads. So a video
    depends only on its clip, its seed, the settings, the weights and the kind of machine.
    report: called with 1 for each finished frame, from any worker; for instance `tqdm.update`.
    """
    clips = range(len(audio_features))
    side = identity.shape[-1]
    videos = [np.zeros((0, side, side, 3), np.uint8) for _ in clips]
    inputs = [
        ClipInput(len(audio_features[clip]), seeds[clip], lambda clip=clip: (identity[clip], audio_features[clip]))
        for clip in clips
    ]
    rollout_each(model, identity.device, inputs, settings, videos.__setitem__, workers, report)
    return videos


@dataclass(frozen=True)
class ClipInput:
    """A clip to be generated, which is opened when its turn comes. frames: its length. seed: see `clip_seed`.

    open: returns its identity `[3, S, S]` in [-1, 1] and its audio features, `[frames, 4, bands]` or embeddings `[frames, D]`.
    """

    frames: int
    seed: int
    open: Callable[[], tuple[Tensor, Tensor]]


def rollout_each(
    model: TalkingModel,
    device: torch.device,
    clips: Sequence[ClipInput],
    settings: SamplingSettings,
    done: Callable[[int, np.ndarray], object],
    workers: int = 1,
    report: Callable[[int], object] | None = None,
) -> None:
    """Generate the videos of `rollout`, each handed over when it is finished: memory holds settings.clips_at_once a worker.

    done: called with a clip's number and its frames uint8 `[T, S, S, 3]`, from any worker, once for each clip that has frames.
    workers, report: see `rollout`. An exception of `done` or `report` ends the sampling and is raised.
    """
    numbers = range(len(clips))
    slices = [numbers[start::workers] for start in range(workers)] if device.type == "cpu" else [numbers]

    def generate_slice(of_worker: range) -> None:
        noise = seeded_noise([clips[clip].seed for clip in of_worker])
        frames: dict[int, list[np.ndarray]] = {}
        for number, frame in _generate(model, [clips[clip] for clip in of_worker], device, settings, noise):
            made = frames.setdefault(number, [])
            made.append(to_uint8(frame).cpu().numpy())
            if len(made) == clips[of_worker[number]].frames:
                done(of_worker[number], np.stack(frames.pop(number)))
            if report is not None:
                report(1)

    if device.type == "cpu":
        with one_thread(), ThreadPoolExecutor(len(slices)) as pool:
            list(pool.map(generate_slice, slices))
    else:  # in this thread: a compiled model's CUDA graphs belong to the thread that recorded them
        generate_slice(numbers)


def generate(
    model: TalkingModel,
    identity: Tensor,
    audio_features: Sequence[Tensor],
    settings: SamplingSettings,
    noise: Noise,
) -> Iterator[tuple[int, Tensor]]:
    """(clip, frame `[3, S, S]`) of all clips of `rollout`, in order within a clip, neither clamped nor rounded.

    A batch has up to settings.clips_at_once clips, the longest first; when one ends the next takes its place. On a CPU
    frames are batch-invariant only with one thread (`torch.set_num_threads(1)`), which `rollout` sets. Blinks, if any, are
    those of seed 0.
    """
    if len(identity) != len(audio_features):
        raise ValueError(f"{len(identity)} identity frames for the audio features of {len(audio_features)} clips")
    clips = [
        ClipInput(len(features), 0, lambda clip=clip, features=features: (identity[clip], features))
        for clip, features in enumerate(audio_features)
    ]
    yield from _generate(model, clips, identity.device, settings, noise)


def _generate(
    model: TalkingModel, clips: Sequence[ClipInput], device: torch.device, settings: SamplingSettings, noise: Noise
) -> Iterator[tuple[int, Tensor]]:
    lengths, radius = [clip.frames for clip in clips], model.network_settings.audio_radius
    waiting = deque(sorted((clip for clip in range(len(lengths)) if lengths[clip]), key=lambda clip: -lengths[clip]))
    active: list[_ActiveClip] = []
    heard: dict[int, Tensor] = {}
    while waiting or active:
        while waiting and len(active) < settings.clips_at_once:
            clip = waiting.popleft()
            identity, features = clips[clip].open()
            heard[clip] = features.to(device)
            closures = eye_closures(clips[clip].seed, settings.blinks_per_second)
            active.append(_start(model, clip, identity.to(device), closures))
        windows = [_window(heard[one.clip], one.frame, radius) for one in active]
        for one, frame in zip(active, next_frames(model, active, windows, settings, noise), strict=True):
            yield one.clip, frame
        for one in active:
            if one.frame == lengths[one.clip]:
                del heard[one.clip]
        active = [one for one in active if one.clip in heard]


def stream(
    model: TalkingModel, identity: Tensor, features: Iterable[Tensor], settings: SamplingSettings, seed: int
) -> Iterator[np.ndarray]:
    """The video of one clip of unknown length, frame by frame, uint8 `[S, S, 3]`, in constant memory.

    identity `[3, S, S]` in [-1, 1]; features: one `[4, bands]` or `[D]` per frame, from `encode_speech`. A frame is
    generated as soon as the features of the `audio_radius` frames after it are known, and equals the frame of `rollout`
    with the same settings; clips_at_once 1 is the fastest here. Latency: audio_radius times 40 ms, plus 40 ms for
    `encode_speech` (80 ms with the published audio encoder), plus the computation.
    """
    radius, noise = model.network_settings.audio_radius, seeded_noise([seed])
    one = _start(model, 0, identity, eye_closures(seed, settings.blinks_per_second))
    around: deque[Tensor] = deque(maxlen=2 * radius + 1)
    ahead = -1
    for newest in _with_end_repeated(features, radius):
        around.extend([newest] * (1 if around else radius + 1))  # the first frame's features are repeated before it
        ahead += 1
        if ahead >= radius:
            with one_thread():
                frame = next_frames(model, [one], [torch.stack(list(around))], settings, noise)[0]
            yield to_uint8(frame).cpu().numpy()


def next_frames(
    model: TalkingModel,
    active: Sequence["_ActiveClip"],
    windows: Sequence[Tensor],
    settings: SamplingSettings,
    noise: Noise,
) -> Tensor:
    """The next frame of each of B active clips, `[B, 3, S, S]`; updates their histories and frame numbers.

    windows: the audio window of the next frame of each, `[2 m + 1, 4, bands]`. The batch always has
    settings.clips_at_once clips, padded with the last one: libraries choose other algorithms for another batch size and
    round differently, and frames would not be batch-invariant.
    """
    if model.training:
        raise ValueError("call model.eval() first: dropout would act while sampling")
    rows = [*range(len(active)), *[len(active) - 1] * (settings.clips_at_once - len(active))]
    identity = torch.stack([active[row].identity for row in rows])
    history = torch.stack([_anchored(active[row], settings) for row in rows])
    audio = torch.stack([windows[row] for row in rows]).to(identity)

    def draw(number: int, shape: tuple[int, ...] = tuple(identity.shape[1:])) -> Tensor:
        drawn = [noise(one.clip, one.frame, number, shape) for one in active]
        return torch.stack([drawn[row] for row in rows]).to(identity)

    with torch.inference_mode():
        motion = to_motion_input(history, model.network_settings)
        level = torch.full((len(rows),), settings.motion_noise, device=identity.device)
        if settings.motion_noise > 0:
            motion = add_motion_noise(motion, level, draw(MOTION_NOISE, tuple(motion.shape[1:])))
        if settings.hide_mouth:
            motion = hide_mouth(motion, model.network_settings.lower_face)
        eyes = None
        if model.network_settings.eye_condition:
            drawn = [next(one.closures) for one in active]
            eyes = torch.tensor([drawn[row] for row in rows], device=identity.device)[:, None]
        level_input = level if model.network_settings.noise_level_input else None
        conditions = Conditions(identity, motion, audio, level_input, eyes=eyes)
        frames = sample_frame(model, conditions, settings, draw)[: len(active)]
        for one, frame in zip(active, frames, strict=True):
            one.history = torch.cat([one.history[1:], frame[None]])
            one.frame += 1
    return frames


@dataclass
class _ActiveClip:
    """A clip in generation: identity `[3, S, S]`, motion frames `[M, 3, S, S]`, number of the next frame, and closures of
    the eyes of its frames to come."""

    clip: int
    identity: Tensor
    history: Tensor
    frame: int
    closures: Iterator[float]


def _start(model: TalkingModel, clip: int, identity: Tensor, closures: Iterator[float]) -> _ActiveClip:
    motion = identity.expand(model.network_settings.motion_frames, -1, -1, -1)
    return _ActiveClip(clip, identity, motion, 0, closures)


def _anchored(one: _ActiveClip, settings: SamplingSettings) -> Tensor:
    if settings.anchor_every and one.frame and one.frame % settings.anchor_every == 0:
        return torch.cat([one.identity[None], one.history[1:]])
    return one.history


def clip_seed(seed: int, clip: str) -> int:
    """Seed of one clip from a run's seed and the clip's id, independent of its batch and shard.

    It does not depend on the method: methods share their noise, which reduces the variance of their differences.
    """
    return _hash(f"{seed}/{clip}")


def seeded_noise(seeds: Sequence[int]) -> Noise:
    """Noise that depends only on the clip's seed, the frame and the number of the draw."""

    def noise(clip: int, frame: int, number: int, shape: tuple[int, ...]) -> Tensor:
        generator = torch.Generator().manual_seed(_hash(f"{seeds[clip]}/{frame}/{number}"))
        return torch.randn(shape, generator=generator)

    return noise


def _window(features: Tensor, frame: int, radius: int) -> Tensor:
    """Audio window of a frame, `[2 m + 1, ...]`; the first and the last features are repeated beyond the ends."""
    return features[torch.arange(frame - radius, frame + radius + 1).clamp(0, len(features) - 1)]


def _with_end_repeated(items: Iterable[Tensor], times: int) -> Iterator[Tensor]:
    item = None
    for item in items:
        yield item
    if item is not None:
        yield from [item] * times


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1
