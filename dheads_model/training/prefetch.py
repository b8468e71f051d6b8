"""Batches made in the background while the GPU computes."""

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from dheads_model.shards.loader import Batch

_READY = 2


@contextlib.contextmanager
def prefetch(batches: Iterator[Batch], device: torch.device) -> Iterator[Iterator[Batch]]:
    """The same endless batches; for a GPU a thread prepares them in advance, which would gain nothing on a CPU."""
    if device.type == "cpu":
        yield batches
        return
    pool = ThreadPoolExecutor(1)
    try:
        yield _ahead(batches, pool)
    finally:
        # The batches may be closed then: no thread is inside them.
        pool.shutdown(cancel_futures=True)


def _ahead(batches: Iterator[Batch], pool: ThreadPoolExecutor) -> Iterator[Batch]:
    coming = deque(pool.submit(next, batches) for _ in range(_READY))
    while True:
        batch = coming.popleft().result()
        coming.append(pool.submit(next, batches))
        yield batch
