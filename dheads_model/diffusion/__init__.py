"""Diffusion: schedules, denoiser, losses, samplers, autoregressive rollout."""
