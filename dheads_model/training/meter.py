"""Sums since the last line of the log, kept on the device, so that no step waits for a value of the previous one."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dheads_model.training.distributed import Distributed
from dheads_model.training.objective import NOISE_BINS, BatchLoss


def by_noise(loss: BatchLoss) -> Tensor:
    """Sum of the losses and number of the samples in each noise bin, float64 `[2, NOISE_BINS]`."""
    inside = F.one_hot(loss.bins, NOISE_BINS).double()
    return torch.stack([(loss.by_sample.double()[:, None] * inside).sum(dim=0), inside.sum(dim=0)])


@dataclass
class Meter:
    """Part of the state, so that a resumed run logs the same numbers.

    steps; norm: float64 sum of their gradients' norms, the same in all ranks; sums: `by_noise` added up, of this
    rank's samples until `total`.
    """

    steps: int
    norm: Tensor
    sums: Tensor

    @classmethod
    def new(cls, device: torch.device) -> "Meter":
        """An empty meter."""
        zero = torch.zeros((), dtype=torch.float64, device=device)
        return cls(0, zero, torch.zeros(2, NOISE_BINS, dtype=torch.float64, device=device))

    def to(self, device: torch.device) -> "Meter":
        """The same on another device."""
        return Meter(self.steps, self.norm.to(device), self.sums.to(device))

    def add(self, sums: Tensor) -> None:
        """Count the samples of a micro-batch, `by_noise` of their loss."""
        self.sums = self.sums + sums

    def step(self, norm: Tensor) -> None:
        """Count a step and the norm of its gradient."""
        self.steps, self.norm = self.steps + 1, self.norm + norm.double()

    def total(self, ranks: Distributed) -> "Meter":
        """With the samples of all ranks; each of them must call it."""
        return Meter(self.steps, self.norm, ranks.sum(self.sums))

    def means(self) -> dict[str, float]:
        """Entries of the log: mean loss, of each noise bin too, and mean norm of the gradient."""
        losses, counts = self.sums.tolist()
        entry = {"loss": sum(losses) / sum(counts), "gradient_norm": self.norm.item() / self.steps}
        for number, (loss, count) in enumerate(zip(losses, counts, strict=True)):
            if count:
                entry[f"loss_noise_{number}"] = loss / count
        return entry
