"""Four autoregressive frames against the published generation, fed the same noise."""

import pytest
import torch

from dheads_model.diffusion.rollout import generate
from tests.factories.settings import plain_sampling


@pytest.mark.parametrize("stabilised", [False, True], ids=["plain", "stabilised"])
@pytest.mark.parametrize("name", ["rollout", "rollout_rgb"])
def test_frames(name, stabilised, numbers, published_model, device):
    stored = numbers(name)
    start, steps = torch.from_numpy(stored["xT"]).float(), torch.from_numpy(stored["noise"]).float()

    def noise(clip, frame, number, shape):
        drawn = start[clip, frame] if number == 0 else steps[frame, number - 1, clip]
        assert tuple(drawn.shape) == shape
        return drawn

    settings = plain_sampling(
        sampler="ancestral_ddpm",
        steps=int(stored["n_steps"]),
        clips_at_once=1,
        anchor_every=int(stored["stabilize_segment_len"]) if stabilised else 0,
    )
    identity, audio = (torch.from_numpy(stored[key]).to(device) for key in ("x_cond", "audio_emb"))
    made = generate(published_model(name == "rollout_rgb").to(device), identity, list(audio), settings, noise)
    frames = torch.stack([frame.cpu() for _, frame in made])
    key = "frames_stabilized_float64_schedule" if stabilised else "frames_float64_schedule"
    error = (frames - torch.from_numpy(stored[key][0])).abs()
    # 2e-3 but for a few values of the last frame: where steps clamp, rounding grows, and two convolution kernels of one
    # PyTorch (oneDNN and the native one) differ by 2.5e-3 there. Mistakes give a mean of 4e-2 and more.
    assert error[:-1].max() < 2e-3
    assert error.flatten().quantile(0.999) < 2e-3
    assert error.max() < 1e-2
    assert error.mean() < 1e-4
