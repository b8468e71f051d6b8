"""Diffused Heads: talking-face video from one identity frame and speech, by autoregressive pixel diffusion."""
