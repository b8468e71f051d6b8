"""Cost of sampling: network evaluations, arithmetic and time, estimated before it starts."""

import math
import time
from dataclasses import dataclass

import torch

from dheads_model.diffusion.samplers import SAMPLERS
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.network.arithmetic import count_flop, encode_zeros
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.threads import one_thread

_TIMED_EVALUATIONS = 3


def evaluations_of(settings: SamplingSettings) -> int:
    """Network evaluations (NFE) per frame at most; guidance doubles them within its interval."""
    once = SAMPLERS[settings.sampler].evaluations(settings.steps)
    return once * (1 if settings.guidance_scale == 1 else 2)


@dataclass(frozen=True)
class SamplingCost:
    """Cost of frames of several clips on a device.

    clips, frames: to be made. evaluations: of the network per frame, at most. flop: of one evaluation for one frame.
    seconds: estimate for all frames on this device.
    """

    clips: int
    frames: int
    evaluations: int
    flop: int
    seconds: float

    @classmethod
    def of(
        cls, model: TalkingModel, lengths: list[int], settings: SamplingSettings, workers: int, device: torch.device
    ) -> "SamplingCost":
        """Count the arithmetic on the meta device, and time a few evaluations of the model on its own device.

        lengths: frames of each clip. workers: of `rollout_each`.
        """
        network = model.network_settings
        with torch.device("meta"):
            flop = count_flop(TalkingModel(network, model.diffusion_settings).eval(), network)
        evaluations = evaluations_of(settings)
        slots = settings.clips_at_once * (workers if device.type == "cpu" else 1)
        turns = max(math.ceil(sum(lengths) / slots), max(lengths, default=0))
        doubled = 1 if settings.guidance_scale == 1 else 2
        encoding, evaluating = _seconds(model, settings.clips_at_once * doubled, device) if turns else (0.0, 0.0)
        seconds = turns * (encoding + evaluations / doubled * evaluating)
        return cls(len(lengths), sum(lengths), evaluations, flop, seconds)

    def report(self) -> str:
        """One line of text."""
        total = self.frames * self.evaluations
        return (
            f"{self.clips:,} clips, {self.frames:,} frames at {self.evaluations:,} NFE: {total:,} network evaluations, "
            f"{_readable_flop(total * self.flop)}, about {readable_time(self.seconds)} on this device"
        )


def readable_time(seconds: float) -> str:
    """A time in hours, minutes or seconds."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def _readable_flop(count: float) -> str:
    for unit, name in ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e9:.1f} GFLOP"


def _seconds(model: TalkingModel, batch: int, device: torch.device) -> tuple[float, float]:
    """Time to encode the conditions of a batch, and of one evaluation, after one that warms up; on a CPU with one thread."""
    network = model.network_settings
    with one_thread(), torch.inference_mode(), torch.device(device):
        noisy, level = torch.zeros(batch, 3, network.image_size, network.image_size), torch.zeros(batch)
        model(noisy, level, encode_zeros(model, network, batch))
        times = [_now(device)]
        conditions = encode_zeros(model, network, batch)
        times.append(_now(device))
        for _ in range(_TIMED_EVALUATIONS):
            model(noisy, level, conditions)
        times.append(_now(device))
    return times[1] - times[0], (times[2] - times[1]) / _TIMED_EVALUATIONS


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
