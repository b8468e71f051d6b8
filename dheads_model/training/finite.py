"""A loss or gradient that is NaN or infinite stops a training before anything of it is saved or logged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dheads_model.errors import UserError

NAMED = 3  # parts that a message names; the others are counted


@dataclass
class FiniteWatch:
    """Records the first step with a value that is not finite, on the device, so that the loop does not wait for a GPU.

    parts: names of the values, of the loss first, then of the gradient. step: int64, -1 if there is none. wrong:
    bool `[P]`, the parts that were not finite in that step.
    """

    parts: tuple[str, ...]
    step: Tensor
    wrong: Tensor

    @classmethod
    def new(cls, parts: Iterable[str], device: torch.device) -> "FiniteWatch":
        """A watch before the first step."""
        parts = tuple(parts)
        return cls(parts, torch.full((), -1, device=device), torch.zeros(len(parts), dtype=torch.bool, device=device))

    def see(self, step: int, values: Tensor) -> None:
        """Look at the values `[P]` of a step, which counts from 0."""
        wrong = ~values.isfinite()
        first = (self.step < 0) & wrong.any()
        self.step = torch.where(first, step, self.step)
        self.wrong = torch.where(first, wrong, self.wrong)

    def check(self, batch_size: int) -> None:
        """Raise UserError if a step was not finite, with its number and its parts; reads the device."""
        step = int(self.step)
        if step < 0:
            return
        names = [name for name, wrong in zip(self.parts, self.wrong.tolist(), strict=True) if wrong]
        raise UserError(
            f"training stopped: {_listed(names)} not finite in step {step + 1} (images {step * batch_size + 1} to "
            f"{(step + 1) * batch_size}); the state saved before it is kept, so lower training.learning_rate, or where the "
            "loss itself came first look for values in the data that are no numbers."
        )


def seen_at_once(device: torch.device) -> bool:
    """Whether each step is checked before the weights take it: on a CPU; on a GPU the loop would have to wait."""
    return device.type == "cpu"


def gradient_norms(weights: Sequence[nn.Parameter]) -> tuple[Tensor, Tensor]:
    """(norm of each weight's gradient `[P]`, 0 where it has none; norm of the whole) as `torch.nn.utils.get_total_norm`."""
    found = torch._foreach_norm([weight.grad for weight in weights if weight.grad is not None])
    each, none = iter(found), torch.zeros_like(found[0])
    return (
        torch.stack([none if weight.grad is None else next(each) for weight in weights]),
        torch.linalg.vector_norm(torch.stack(found)),
    )


def check_state(state: Mapping) -> None:
    """Raise UserError if a tensor anywhere in a state is not finite."""
    found = [(name, value) for name, value in _tensors("", state) if value.is_floating_point()]
    finite = torch.stack([value.isfinite().all().cpu() for _, value in found]).tolist() if found else []
    names = [name for (name, _), good in zip(found, finite, strict=True) if not good]
    if names:
        raise UserError(
            f"training stopped after {state.get('images')} images: {_listed(names)} not finite; the state saved before is "
            "kept, so lower training.learning_rate."
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return f"{shown} and {more} more are" if more > 0 else f"{shown} {'is' if len(names) == 1 else 'are'}"


def _tensors(name: str, value) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _tensors(f"{name}.{key}" if name else str(key), inner)
