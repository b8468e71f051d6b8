"""Videos frame by frame: each frame is generated from the identity frame, the two before it and the sound around it."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dheads_model.diffusion.augmentation import add_motion_noise, hide_mouth
from dheads_model.diffusion.conditions import Conditions, to_motion_input, to_uint8
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.threads import one_thread

MOTION_NOISE = -1  # number of the draw that noises the motion frames; 0 starts a frame, 1, 2, ... are its steps

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

    identity `[N, 3, S, S]` in [-1, 1]; audio_features: of each clip as of `encode_clip_audio`, `[T_i, 4, bands]` or embeddings
    `[T_i, D]`; seeds: one a clip, see `clip_seed`. workers: threads that generate clips beside each other on a
    CPU; each calculates alone, because libraries choose other algorithms for another number of threads. So a video
    depends on its clip, its seed, the settings, the weights and the kind of machine, and on nothing else.
    report: called with 1 for each finished frame, from any worker; `tqdm.update` for instance.
    """
    clips = range(len(audio_features))
    shares = [clips[start::workers] for start in range(workers)] if identity.device.type == "cpu" else [clips]
    frames: list[list[np.ndarray]] = [[] for _ in clips]

    def generate_share(share: range) -> None:
        chosen = [audio_features[clip] for clip in share]
        noise = seeded_noise([seeds[clip] for clip in share])
        for number, frame in generate(model, identity[list(share)], chosen, settings, noise):
            frames[share[number]].append(to_uint8(frame).cpu().numpy())
            if report is not None:
                report(1)

    if identity.device.type == "cpu":
        with one_thread(), ThreadPoolExecutor(len(shares)) as pool:
            list(pool.map(generate_share, shares))
    else:  # in this thread: a compiled model's CUDA graphs belong to the thread that recorded them
        generate_share(clips)
    side = identity.shape[-1]
    return [np.stack(video) if video else np.zeros((0, side, side, 3), np.uint8) for video in frames]


def generate(
    model: TalkingModel, identity: Tensor, audio_features: Sequence[Tensor], settings: SamplingSettings, noise: Noise
) -> Iterator[tuple[int, Tensor]]:
    """(clip, frame `[3, S, S]`) of all clips of `rollout`, each clip's in order, neither clamped nor rounded.

    Up to settings.clips_at_once clips go side by side, the longest first; where one ends the next begins. On a CPU,
    frames are the same in any company only with one thread (`torch.set_num_threads(1)`), which `rollout` sees to.
    """
    if len(identity) != len(audio_features):
        raise ValueError(f"{len(identity)} identity frames for {len(audio_features)} clips of sound")
    lengths = [len(features) for features in audio_features]
    waiting = deque(sorted((clip for clip in range(len(lengths)) if lengths[clip]), key=lambda clip: -lengths[clip]))
    going: list[_ActiveClip] = []
    while waiting or going:
        while waiting and len(going) < settings.clips_at_once:
            going.append(_start(model, waiting.popleft(), identity))
        windows = [_window(audio_features[one.clip], one.frame, model.network_settings.audio_radius) for one in going]
        for one, frame in zip(going, next_frames(model, going, windows, settings, noise), strict=True):
            yield one.clip, frame
        going = [one for one in going if one.frame < lengths[one.clip]]


def stream(
    model: TalkingModel, identity: Tensor, features: Iterable[Tensor], settings: SamplingSettings, seed: int
) -> Iterator[np.ndarray]:
    """The video of one clip whose length need not be known, frame by frame, uint8 `[S, S, 3]`, in constant memory.

    identity `[3, S, S]` in [-1, 1]; features: one `[4, bands]` or `[D]` a frame, as of `encode_speech`. A frame comes as soon as
    those of `audio_radius` frames after it have been given, and equals the frame that `rollout` makes with the same
    settings; clips_at_once 1 is the fastest here. So a frame waits for audio_radius 40 ms of sound after its own, 40 ms
    more that `encode_speech` waits (80 ms with the published audio encoder), and its calculation.
    """
    radius, noise = model.network_settings.audio_radius, seeded_noise([seed])
    one = _start(model, 0, identity[None])
    heard: deque[Tensor] = deque(maxlen=2 * radius + 1)
    ahead = -1
    for given in _with_end_repeated(features, radius):
        heard.extend([given] * (1 if heard else radius + 1))  # before the first frame its sound is repeated
        ahead += 1
        if ahead >= radius:
            with one_thread():
                frame = next_frames(model, [one], [torch.stack(list(heard))], settings, noise)[0]
            yield to_uint8(frame).cpu().numpy()


def next_frames(
    model: TalkingModel,
    going: Sequence["_ActiveClip"],
    windows: Sequence[Tensor],
    settings: SamplingSettings,
    noise: Noise,
) -> Tensor:
    """The next frame of each of B clips, `[B, 3, S, S]`; the clips' histories and frame numbers move on by one.

    windows: the sound around the next frame of each, `[2 m + 1, 4, bands]`. The network always gets exactly
    settings.clips_at_once clips, the last one repeated, because libraries choose other algorithms, and round
    differently, for another number.
    """
    if model.training:
        raise ValueError("call model.eval() first: dropout would act while sampling")
    rows = [*range(len(going)), *[len(going) - 1] * (settings.clips_at_once - len(going))]
    identity = torch.stack([going[row].identity for row in rows])
    history = torch.stack([_anchored(going[row], settings) for row in rows])
    audio = torch.stack([windows[row] for row in rows]).to(identity)

    def draw(number: int, shape: tuple[int, ...] = tuple(identity.shape[1:])) -> Tensor:
        drawn = [noise(one.clip, one.frame, number, shape) for one in going]
        return torch.stack([drawn[row] for row in rows]).to(identity)

    with torch.inference_mode():
        motion = to_motion_input(history, model.network_settings)
        level = torch.full((len(rows),), settings.motion_noise, device=identity.device)
        if settings.motion_noise > 0:
            motion = add_motion_noise(motion, level, draw(MOTION_NOISE, tuple(motion.shape[1:])))
        if settings.hide_mouth:
            motion = hide_mouth(motion)
        told = level if model.network_settings.noise_level_input else None
        frames = sample_frame(model, Conditions(identity, motion, audio, told), settings, draw)[: len(going)]
        for one, frame in zip(going, frames, strict=True):
            one.history = torch.cat([one.history[1:], frame[None]])
            one.frame += 1
    return frames


@dataclass
class _ActiveClip:
    """A clip under way: identity `[3, S, S]`, the frames before `[M, 3, S, S]`, number of the next frame."""

    clip: int
    identity: Tensor
    history: Tensor
    frame: int


def _start(model: TalkingModel, clip: int, identity: Tensor) -> _ActiveClip:
    return _ActiveClip(clip, identity[clip], identity[clip].expand(model.network_settings.motion_frames, -1, -1, -1), 0)


def _anchored(one: _ActiveClip, settings: SamplingSettings) -> Tensor:
    if settings.anchor_every and one.frame and one.frame % settings.anchor_every == 0:
        return torch.cat([one.identity[None], one.history[1:]])
    return one.history


def clip_seed(seed: int, clip: str) -> int:
    """Seed of one clip: a run's seed and the clip's id decide it, whatever batch or shard the clip is in.

    Not the method: methods share their noise, so that their difference on a clip is not that of two draws.
    """
    return _hash(f"{seed}/{clip}")


def seeded_noise(seeds: Sequence[int]) -> Noise:
    """Noise that depends on the clip's seed, the frame and the number of the draw and on nothing else."""

    def noise(clip: int, frame: int, number: int, shape: tuple[int, ...]) -> Tensor:
        generator = torch.Generator().manual_seed(_hash(f"{seeds[clip]}/{frame}/{number}"))
        return torch.randn(shape, generator=generator)

    return noise


def _window(features: Tensor, frame: int, radius: int) -> Tensor:
    """Sound of the frames around one, its ends repeated: `[2 m + 1, ...]`."""
    return features[torch.arange(frame - radius, frame + radius + 1).clamp(0, len(features) - 1)]


def _with_end_repeated(items: Iterable[Tensor], times: int) -> Iterator[Tensor]:
    item = None
    for item in items:
        yield item
    if item is not None:
        yield from [item] * times


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1
