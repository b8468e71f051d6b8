"""Cost of a training: parameters, arithmetic, memory and time, estimated before it starts and measured while it runs."""

import resource
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.network.arithmetic import count_flop, pass_zeros
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel, parameter_count
from dheads_model.training.settings import RunSettings

# A training step computes the gradients of activations and of weights besides the forward pass. Distillation adds evaluations
# of the teacher, two with guidance, and for consistency one of the averaged weights.
PASSES_A_STEP = 3
# Weights, gradients, Adam's two moments and the averaged weights, 4 bytes each.
_BYTES_A_PARAMETER = 20
# Fraction of a large matrix product's rate that trainings of such networks reach (nanoGPT and edm2 report 0.3 to 0.5).
_USUAL_UTILISATION = 0.4
_MEASURED_SECONDS = 0.2
# Keys of a log entry that differ from run to run of the same training.
SPEED_KEYS = ("images_per_second", "flop_utilisation", "memory_mib")


@dataclass(frozen=True)
class Cost:
    """Cost of a run on a device.

    parameters: trained values. flop: of one forward pass for one image, two for a multiplication with its addition, counting
    convolutions and matrix products. activation_bytes: activations of one image that the backward pass needs. peak:
    FLOP a second of a large matrix product on this device, in the training's arithmetic.
    """

    run: RunSettings
    device: torch.device
    parameters: int
    flop: int
    activation_bytes: int
    peak: float

    @classmethod
    def of(cls, run: RunSettings, device: torch.device) -> "Cost":
        """Count a run on the meta device, and measure the real device."""
        with torch.device("meta"):
            model = TalkingModel(run.network, run.diffusion).train()
            model.unet.gradient_checkpointing = run.training.gradient_checkpointing
            flop = count_flop(model, run.network)
            kept = _kept_bytes(model, run.network)
        short = device.type == "cuda"
        return cls(run, device, parameter_count(model), flop, kept // 2 if short else kept, _peak(device))

    @property
    def passes(self) -> int:
        """Network evaluations' worth of arithmetic for one image of a training step."""
        distillation = self.run.distillation
        if distillation is None:
            return PASSES_A_STEP
        taught = 1 if distillation.guidance_scale == 1 else 2
        return PASSES_A_STEP + taught + (distillation.objective == "consistency")

    @property
    def memory_bytes(self) -> int:
        """Estimate of a step's memory in one process: weights, gradients, moments, averages, and activations of a micro-batch."""
        training = self.run.training
        images = training.batch_size // training.gradient_accumulation
        return _BYTES_A_PARAMETER * self.parameters + images * self.activation_bytes

    @property
    def seconds(self) -> float:
        """Estimate of the whole training's time on one such device, at the usual utilisation."""
        return self.run.training.images * self.passes * self.flop / (_USUAL_UTILISATION * self.peak)

    def speed(self, images_per_second: float, world_size: int) -> dict[str, float]:
        """Entries of the log: images a second, the fraction of the devices' peak that they use, and memory in MiB.

        Utilisation counts three passes an image (more in distillation), also where activations are computed again.
        """
        used = images_per_second * self.passes * self.flop / (self.peak * world_size)
        return dict(
            zip(SPEED_KEYS, (round(images_per_second, 2), round(used, 4), memory_mib(self.device)), strict=True)
        )

    def report(self) -> str:
        """Parameters, arithmetic, memory and time as a few lines of text."""
        hours = self.seconds / 3600
        return "\n".join([
            f"parameters        {self.parameters:,}",
            f"GFLOP a pass      {self.flop / 1e9:.2f} for one image, times {self.passes} for a training step",
            f"memory            about {self.memory_bytes / 2**20:,.0f} MiB in one process (weights and their averages "
            f"and moments {_BYTES_A_PARAMETER * self.parameters / 2**20:,.0f}, activations the rest)",
            f"this device       {self.peak / 1e12:.3f} TFLOP/s in a large matrix product ({self.device})",
            f"time              about {hours:.2f} h for {self.run.training.images:,} images here, at "
            f"{_USUAL_UTILISATION:.0%} of that",
        ])  # fmt: skip


def memory_mib(device: torch.device) -> int:
    """Most memory that this process has held so far: the device's, or all of it on a CPU, in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) // 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _kept_bytes(model: TalkingModel, network: NetworkSettings) -> int:
    """Bytes of all tensors that a forward pass for one image saves for its gradient, each storage once, weights left out."""
    weights = {value.untyped_storage()._cdata for value in model.state_dict(keep_vars=True).values()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = pass_zeros(model, network)
    del output
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _peak(device: torch.device) -> float:
    """FLOP a second of a large matrix product, best of a few; the training's random numbers are left alone."""
    cuda = device.type == "cuda"
    side = 8192 if cuda else 1024
    # Of random numbers: a GPU multiplies equal ones a tenth faster, since fewer bits change and it need not slow down.
    factor = torch.randn(side, side, device=device, generator=torch.Generator(device).manual_seed(0))
    factor = factor.to(torch.bfloat16 if cuda else torch.float32)
    best, end = 0.0, time.perf_counter() + _MEASURED_SECONDS
    while time.perf_counter() < end:
        started = time.perf_counter()
        factor @ factor
        if cuda:
            torch.cuda.synchronize(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - started))
    return best
