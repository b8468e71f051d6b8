"""Data-parallel training: one process (rank) a GPU, each with its slice of every batch.

Plain torch.distributed, started by `torchrun`, which sets the variables read here. Gradients are averaged after the
backward pass, all in one message. For a UNet of 215 M parameters that is well under a tenth of a step on one node, and
needs no wrapper around the model, whose parts are called one by one.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from dheads_model.errors import UserError
from dheads_model.network.talking_model import pick_device


@dataclass(frozen=True)
class Distributed:
    """This process among those that train together: rank 0 .. world_size - 1, and the device it computes on."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main_process(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all ranks, on this rank's device."""
        if self.world_size == 1:
            return values
        total = values.to(self.device, copy=True)
        dist.all_reduce(total)
        return total

    def average_gradients(self, model: torch.nn.Module) -> None:
        """Replace all gradients by their means over the ranks."""
        if self.world_size == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = _flatten_dense_tensors(gradients)
        dist.all_reduce(flat)
        flat /= self.world_size
        for gradient, mean in zip(gradients, _unflatten_dense_tensors(flat, gradients), strict=True):
            gradient.copy_(mean)

    def barrier(self) -> None:
        """Return when all ranks have called this."""
        if self.world_size > 1:
            dist.barrier()


@contextlib.contextmanager
def init_distributed() -> Iterator[Distributed]:
    """The ranks that `torchrun` started, or this process alone. Raises UserError without a GPU for each rank."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield Distributed(0, 1, pick_device())
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    if torch.cuda.is_available():
        if local_rank >= torch.cuda.device_count():
            raise UserError(
                f"{torch.cuda.device_count()} GPUs are here for local rank {local_rank}; lower runs.NAME.gpus."
            )
        torch.cuda.set_device(local_rank)
    device = torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Distributed(dist.get_rank(), world_size, device)
    finally:
        dist.destroy_process_group()


def micro_batches(batch_size: int, ranks: Distributed, accumulation: int) -> list[slice]:
    """Slices of a batch, one for each of this rank's `accumulation` micro-batches; each takes every k-th sample.

    The same images are trained on in the same order whatever the world size. Raises UserError for a batch size that is
    no multiple of world size times accumulation.
    """
    parts = ranks.world_size * accumulation
    if batch_size % parts:
        raise UserError(
            f"training.batch_size {batch_size} cannot be split over {ranks.world_size} ranks with gradient_accumulation "
            f"{accumulation}; make it a multiple of {parts}."
        )
    return [slice(ranks.rank * accumulation + part, None, parts) for part in range(accumulation)]


def rank_rows(ranks: Distributed, accumulation: int) -> tuple[range, int]:
    """The same as (residues, modulus): this rank takes the samples of a batch whose index leaves one of the residues."""
    first = ranks.rank * accumulation
    return range(first, first + accumulation), ranks.world_size * accumulation
