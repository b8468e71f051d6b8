"""Colour jitter: other colours for each sample, the same for all of its frames, the geometry unchanged."""

import numpy as np
import torch

from dheads_model.shards.loader import sample_batch
from dheads_model.training.colour_jitter import jitter_colours
from dheads_model.training.objective import draw_batch
from dheads_model.training.settings import run_settings
from tests.factories.training import changed, noise_clips

CPU = torch.device("cpu")


def jittered(images, strength=1.0, seed=0):
    return jitter_colours(
        (images, images[:, None].repeat(1, 2, 1, 1, 1)), strength, torch.Generator().manual_seed(seed)
    )


def test_all_frames_of_a_sample_get_the_same_colours_and_samples_get_their_own():
    one = torch.rand((1, 3, 8, 8), generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    target, motion = jittered(one.repeat(4, 1, 1, 1))
    torch.testing.assert_close(motion[:, 0], target)
    torch.testing.assert_close(motion[:, 1], target)
    distances = torch.cdist(target.flatten(1), target.flatten(1))
    assert (distances + torch.eye(4) > 0.1).all()


def test_values_stay_in_range_and_black_stays_black():
    images = torch.tensor([-1.0, 1.0, 0.3]).reshape(1, 1, 1, 3).repeat(16, 3, 5, 1)
    target, _ = jittered(images, strength=2.0)
    assert target.abs().max() <= 1
    torch.testing.assert_close(target[..., 0], torch.full((16, 3, 5), -1.0))


def test_an_even_surface_gets_a_smooth_shading():
    target, _ = jittered(torch.full((8, 3, 64, 64), -0.6))
    light = (target + 1).mean(dim=1)
    steps = light.diff(dim=1).abs().amax(dim=(1, 2)) / light.mean(dim=(1, 2))
    spread = light.flatten(1).std(dim=1) / light.mean(dim=(1, 2))
    assert (spread > 0.05).all() and (steps < 0.2).all()


def test_strength_0_changes_nothing():
    images = torch.rand((2, 3, 4, 4), generator=torch.Generator().manual_seed(2)) * 2 - 1
    torch.testing.assert_close(jittered(images, strength=0.0)[0], images)


def test_only_training_is_jittered_and_by_seed_and_step():
    def batch_of(training, jitter, step=3):
        run = run_settings(changed(colour_jitter=jitter, flip=False))
        batch = sample_batch(noise_clips(), 8, 5, step, run.network.audio_radius, run.network.motion_frames)
        return draw_batch(batch, run, 5, step, training, CPU)

    plain = batch_of(True, 0.0)
    drawn = batch_of(True, 1.0)
    assert not torch.equal(drawn.clean, plain.clean)
    assert torch.equal(drawn.clean, batch_of(True, 1.0).clean)
    assert not torch.equal(drawn.clean, batch_of(True, 1.0, step=4).clean)
    assert torch.equal(batch_of(False, 1.0).clean, plain.clean)
    np.testing.assert_array_equal(drawn.landmarks, plain.landmarks)
