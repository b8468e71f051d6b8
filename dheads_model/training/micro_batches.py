"""The tasks of a training step, micro-batches among them: in sequence on a GPU, in parallel threads on a CPU."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from dheads_model.network.threads import one_thread

Task = Callable[[], Any]
Run = Callable[[Iterable[Task]], Iterator]  # the results of tasks, in their order


@contextlib.contextmanager
def open_tasks(device: torch.device, dropout: float) -> Iterator[Run]:
    """A function that runs the independent tasks of a step and returns an iterator of their results.

    On a CPU each task has a thread of its own, at most as many at a time as PyTorch may use threads here, and
    everything is calculated with one thread: operations of a small network are too short to be split (measured: two
    threads train no faster than one), and with another number of threads they would round differently. So the weights
    do not depend on the number of cores. Dropout draws from PyTorch's one generator, so with it tasks run one after the
    other. On a GPU a task runs when its result is asked for.
    """
    if device.type != "cpu":
        yield lambda tasks: map(_call, tasks)
        return
    workers = 1 if dropout else torch.get_num_threads()
    # A new thread starts with PyTorch's default number of threads, not with that of its parent.
    with one_thread(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield lambda tasks: pool.map(_call, tasks)


def _call(task: Task) -> Any:
    return task()


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
