"""Batches that a thread makes ahead of a GPU; no GPU is touched by it."""

import contextlib
import itertools
import threading

import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.training.prefetch import prefetch

GPU = torch.device("cuda")


def test_a_gpu_gets_the_same_batches_in_order_made_in_another_thread():
    made = []

    def batches():
        for number in itertools.count():
            made.append(threading.current_thread())
            yield number

    source = batches()
    with contextlib.closing(source), prefetch(source, GPU) as ahead:
        assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert 5 <= len(made) <= 8  # no more than a few ahead, and none once the training has ended
    assert threading.current_thread() not in made
    assert next(source, "closed") == "closed"


def test_a_cpu_makes_them_when_they_are_wanted():
    made = []
    with prefetch((made.append(number) or number for number in itertools.count()), torch.device("cpu")) as batches:
        assert next(batches) == 0
        assert made == [0]


def test_trouble_with_the_data_keeps_its_sentence():
    def batches():
        yield 0
        raise UserError("a shard is altered; make it again.")

    with prefetch(batches(), GPU) as ahead:
        assert next(ahead) == 0
        with pytest.raises(UserError, match="a shard is altered"):
            next(ahead)
