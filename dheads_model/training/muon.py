"""Muon: steps along the orthogonalised momentum of weight matrices (Jordan et al. 2024, github.com/KellerJordan/Muon).

PyTorch's Muon takes matrices only, and orthogonalises in bfloat16, which is slow on a CPU.
"""

import functools
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from dheads_model.training.micro_batches import Run

_MOMENTUM = 0.95
# Coefficients of the quintic Newton-Schulz iteration: five bring singular values of 0.01 to 1 to about 0.7 to 1.2 (Jordan et al.).
_ITERATIONS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315
# Root mean square of a step at a learning rate of 1, near that of AdamW's, so that learning rates of both have one size
# (Liu et al. 2025, arXiv 2502.16982, section 2.2).
_RMS = 0.2
# Matrices of a product: enough for a GPU, and few enough that two cores have equal shares.
_AT_ONCE = 8


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum. A convolution's weight `[O, I, ...]` is the matrix `[O, I ...]`."""

    def __init__(self, weights: Iterable[nn.Parameter], learning_rate: float):
        super().__init__(weights, {"lr": learning_rate})

    def step(self, run: Run) -> None:
        """Change the weights that have a gradient. run: as of `open_tasks`; a task has a few weights of one shape."""
        for group in self.param_groups:
            same: dict[torch.Size, list[nn.Parameter]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    same.setdefault(weight.shape, []).append(weight)
            parts = (
                weights[start : start + _AT_ONCE]
                for weights in same.values()
                for start in range(0, len(weights), _AT_ONCE)
            )
            for _ in run([functools.partial(self._step, part, group["lr"]) for part in parts]):
                pass

    @torch.no_grad()
    def _step(self, weights: list[nn.Parameter], rate: float) -> None:
        momenta = [self.state[weight].setdefault("momentum", torch.zeros_like(weight)) for weight in weights]
        gradients = [weight.grad for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
        directions = torch.stack(torch._foreach_lerp(gradients, momenta, _MOMENTUM))
        steps = orthogonalised(directions.flatten(2))
        scale = -rate * _RMS * max(steps.shape[1:]) ** 0.5
        torch._foreach_add_(weights, list(steps.reshape(directions.shape)), alpha=scale)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Matrices `[N, O, I]` with their singular vectors, and singular values near 1."""
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    x = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        squares = x @ x.mT
        x = _A * x + (_B * squares + _C * squares @ squares) @ x
    return x if wide is matrices else x.mT
