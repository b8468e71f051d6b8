"""Independent implementations that tests compare with where a person has installed them; the project needs none of them.

pip install --no-deps torch-fidelity==0.4.0 pytorch-fid==0.3.0 torchvision==0.28.0 efficientnet-lite-pytorch==0.1.0 lpips==0.1.4 \\
    clean-fid==0.1.35
pip install onnx==1.23.2 onnxruntime==1.32.0, in an environment of its own: they bring another protobuf than MediaPipe's.
"""

import contextlib
import importlib

import pytest
import torch

_KEEP = []


def oracle(module: str):
    """The module, or a skip that says which package is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".")[0].replace("_", "-")
        pytest.skip(f"{package}, an independent implementation that only tests compare with, is not installed")
    except RuntimeError:
        # torchvision's operators do not load beside a CPU build of torch; its Python code runs once they are declared.
        _declare_operators()
        return importlib.import_module(module)


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # declared already
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEEP.append(library)


def deterministic(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights for a state dict's names and shapes, the same everywhere: no random generator, activations of ordinary size.

    Weights are hashes of a running number, spread evenly and scaled by the fan-in; variances lie in 1 .. 1.5, counters stay.
    """
    result, start = {}, 1
    for name, value in state.items():
        if not value.is_floating_point():
            result[name] = value.clone()
            continue
        waves = _spread(start, value.numel()).reshape(value.shape)
        start += value.numel()
        if name.endswith("running_var"):
            waves = 1.25 + 0.25 * waves
        elif value.dim() > 1:
            waves = waves * (6 / value[0].numel()) ** 0.5
        elif name.endswith("weight"):
            waves = 1 + 0.25 * waves
        else:
            waves = 0.1 * waves
        result[name] = waves.to(value.dtype)
    return result


def _spread(start: int, count: int) -> torch.Tensor:
    """Numbers of -1 .. 1, float64 `[count]`, without pattern: the running number's bits, mixed twice."""
    bits = torch.arange(start, start + count, dtype=torch.int64)
    for _ in range(2):
        bits = ((bits ^ (bits >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return (bits ^ (bits >> 16)).double() / 2**31 - 1
