"""Diffused Heads: talking-face video from one identity frame and speech, by autoregressive pixel diffusion."""

from dheads_model.processor import pin

# Before any module of this package can import PyTorch, NumPy or OpenCV, which read the environment then.
pin()
