"""Diffused Heads: talking-face video from one identity frame and speech, by autoregressive pixel diffusion."""

import importlib

from dheads_model.processor import pin

# Before any module of this package can import PyTorch, NumPy or OpenCV, which read the environment then.
pin()

# Public names and their modules (docs/api.md). They are imported at their first use, so that `import dheads_model` does not
# import PyTorch; and named in strings, so that no rule's code digest reaches the public API through this package.
_PUBLIC = {"Talker": "dheads_model.talker", "UserError": "dheads_model.errors"}


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
