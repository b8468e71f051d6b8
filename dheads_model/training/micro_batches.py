"""Gradient accumulation over micro-batches: in sequence on a GPU, in parallel threads on a CPU."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from dheads_model.network.threads import one_thread

Map = Callable[[Callable, Iterable], Iterable]  # as the builtin `map`: results in the order of the micro-batches


@contextlib.contextmanager
def open_micro_batches(device: torch.device, dropout: float) -> Iterator[Map]:
    """A `map` that runs a function on each micro-batch, until the training ends.

    On a CPU each micro-batch has a thread of its own, at most as many at a time as PyTorch may use threads here, and
    everything is calculated with one thread: operations of a small network are too short to be split (measured: two
    threads train no faster than one), and with another number of threads they would round differently. So the weights
    do not depend on the number of cores. Dropout draws from PyTorch's one generator, so with it micro-batches run one
    after the other.
    """
    if device.type != "cpu":
        yield map
        return
    workers = 1 if dropout else torch.get_num_threads()
    # A new thread starts with PyTorch's default number of threads, not with that of its parent.
    with one_thread(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield pool.map


def gradients(loss: Tensor, weights: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    """Gradients of a loss with respect to the weights, None for those that it does not depend on."""
    return torch.autograd.grad(loss, weights, allow_unused=True)


def add_gradients(weights: list[nn.Parameter], found: tuple[Tensor | None, ...]) -> None:
    """Add gradients to those that the weights have.

    Each has the memory layout of its weight, as with `backward`: the gradient of a linear layer is transposed, and fused
    optimizers need equal layouts.
    """
    for weight, gradient in zip(weights, found, strict=True):
        if gradient is None:
            continue
        if weight.grad is None:
            weight.grad = torch.empty_like(weight).copy_(gradient)
        else:
            weight.grad.add_(gradient)
