"""Released weights into a network: nothing is opened before its hash matched, nothing is left out, nothing is left over."""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.weights import Weights, check_weights

_COUNTER = ".num_batches_tracked"  # of batch normalisation: unused outside training


def read_state(path: Path | str, weights: Weights, inside: str = "") -> dict[str, Tensor]:
    """Tensors by name of a state dict file on the CPU, once the file is the one of `weights`.

    inside: key below which a checkpoint holds the state dict; a file that is the state dict itself is taken too.
    Plain tensors only are read (`weights_only`). Raises UserError for a file that is missing, another one, or no state dict.
    """
    path = check_weights(path, weights)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile) as problem:
        raise UserError(f"{path} is no file of plain tensors that PyTorch can read: {problem}.") from problem
    if isinstance(state, Mapping) and isinstance(state.get(inside), Mapping):
        state = state[inside]
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{path} holds no state dict, that is, tensors by name.")
    return dict(state)


def read_script(path: Path | str, weights: Weights) -> torch.jit.ScriptModule:
    """A TorchScript network on the CPU, once the file is the one of `weights`: opening another one would run its code."""
    return torch.jit.load(check_weights(path, weights), map_location="cpu").eval()


def fill(network: nn.Module, state: Mapping[str, Tensor], source: str) -> nn.Module:
    """The network with these weights, in evaluation mode, without gradients.

    Every name and every shape must be there, and no other name; only batch counters may be absent. source: what the
    message calls the weights. Raises UserError that names what differs.
    """
    own = network.state_dict()
    missing = sorted(name for name in own.keys() - state.keys() if not name.endswith(_COUNTER))
    extra = sorted(state.keys() - own.keys())
    other = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    for names, what in ((missing, "lacks"), (extra, "has besides"), (other, "has in another shape")):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise UserError(
                f"{source} does not fit {type(network).__name__}: it {what} {', '.join(names[:3])}{more}; give the file "
                "that config/weights.tsv names."
            )
    network.load_state_dict(own | dict(state))
    return network.eval().requires_grad_(False)


def in_batches(run: Callable[[Tensor], Tensor], inputs: Tensor, size: int) -> Tensor:
    """Outputs `[N, ...]` of a network for inputs `[N, ...]`, so many at once, without gradients."""
    with torch.inference_mode():
        return torch.cat([run(inputs[start : start + size]) for start in range(0, len(inputs), size)])
