"""Independent implementations that tests compare with where a person has installed them; the project needs none of them.

pip install --no-deps torch-fidelity==0.4.0 pytorch-fid==0.3.0 torchvision==0.28.0 efficientnet-lite-pytorch==0.1.0
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
