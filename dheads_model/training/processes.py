"""Several processes, one a GPU, that train one model: each computes its share of every batch.

Plain torch.distributed: started by `torchrun`, which sets the variables read here. Gradients are averaged after the
backward pass, all in one message; for a UNet of 215 M parameters that is well under a tenth of a step on one node, and
needs no wrapper around the model, whose parts are called one by one.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import Tensor
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from dheads_model.errors import UserError
from dheads_model.network.talking_model import pick_device


@dataclass(frozen=True)
class Processes:
    """This process among those that train together: number 0 .. count - 1, and the device it computes on."""

    number: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.number == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all processes, on this process's device."""
        if self.count == 1:
            return values
        total = values.to(self.device, copy=True)
        distributed.all_reduce(total)
        return total

    def average_gradients(self, model: torch.nn.Module) -> None:
        """Replace all gradients by their means over the processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = _flatten_dense_tensors(gradients)
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, mean in zip(gradients, _unflatten_dense_tensors(flat, gradients), strict=True):
            gradient.copy_(mean)

    def wait(self) -> None:
        """Return when all processes are here."""
        if self.count > 1:
            distributed.barrier()


@contextlib.contextmanager
def join_processes() -> Iterator[Processes]:
    """This process among those that `torchrun` started; alone where nothing did. Raises UserError without a GPU for each."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, pick_device())
        return
    local = int(os.environ["LOCAL_RANK"])
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise UserError(f"{torch.cuda.device_count()} GPUs are here for process {local}; lower runs.NAME.gpus.")
        torch.cuda.set_device(local)
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count, device)
    finally:
        distributed.destroy_process_group()


def shares(batch_size: int, processes: Processes, accumulation: int) -> list[slice]:
    """Which samples of a batch this process takes in each of its `accumulation` passes: every so manyth one.

    So the same images are trained on in the same order whatever the number of processes. Raises UserError for a batch
    that cannot be cut so.
    """
    parts = processes.count * accumulation
    if batch_size % parts:
        raise UserError(
            f"training.batch_size {batch_size} cannot be shared by {processes.count} processes in {accumulation} "
            f"passes; make it a multiple of {parts}."
        )
    return [slice(processes.number * accumulation + part, None, parts) for part in range(accumulation)]


def rows_of(processes: Processes, accumulation: int) -> tuple[range, int]:
    """The same as (residues, modulus): this process takes the rows of a batch whose number leaves one of the residues."""
    first = processes.number * accumulation
    return range(first, first + accumulation), processes.count * accumulation
