import pytest
import torch

from dheads_model.diffusion.augmentation import augment_motion, drop_audio
from dheads_model.errors import UserError
from tests.factories.settings import plain_augmentation

LOWER_FACE = (0.55, 0.96, 0.3, 0.7)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_has_the_level_that_is_returned():
    motion = 0.3 * torch.ones(8, 2, 64, 64)
    spoilt, level = augment_motion(motion, plain_augmentation(motion_noise=0.6, patch_drop=0), LOWER_FACE, generator())
    assert level.shape == (8,)
    assert 0 <= level.min() < level.max() <= 0.6
    torch.testing.assert_close((spoilt - motion).std(dim=(1, 2, 3)), level, rtol=0.05, atol=0)


def test_levels_are_uniform():
    _, level = augment_motion(torch.zeros(4000, 1, 1, 1), plain_augmentation(motion_noise=0.5), LOWER_FACE, generator())
    assert float(level.mean()) == pytest.approx(0.25, abs=0.01)
    assert float(level.std()) == pytest.approx(0.5 / 12**0.5, abs=0.01)


def test_patches_are_blank_in_all_motion_frames_of_a_sample():
    settings = plain_augmentation(motion_noise=0.0, patch_drop=0.3, patch_size=8)
    spoilt, level = augment_motion(torch.ones(50, 2, 36, 36), settings, LOWER_FACE, generator())
    assert not level.any()
    assert set(spoilt.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(spoilt[:, 0], spoilt[:, 1])
    cell = spoilt[:, :, 8:16, 16:24]
    assert torch.equal(cell.amin(dim=(1, 2, 3)), cell.amax(dim=(1, 2, 3)))
    assert 1 - float(spoilt.mean()) == pytest.approx(0.3, abs=0.03)


def test_nothing_to_do_changes_nothing():
    motion = torch.randn(3, 2, 16, 16)
    spoilt, level = augment_motion(
        motion, plain_augmentation(motion_noise=0.0, patch_drop=0.0), LOWER_FACE, generator()
    )
    assert torch.equal(spoilt, motion)
    assert not level.any()


def test_same_generator_same_corruption():
    settings, motion = plain_augmentation(), torch.randn(3, 2, 16, 16)
    first, second = (augment_motion(motion, settings, LOWER_FACE, generator(5))[0] for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, augment_motion(motion, settings, LOWER_FACE, generator(6))[0])


def test_dropped_sound():
    drop = drop_audio(4000, plain_augmentation(audio_drop=0.1), generator())
    assert drop.dtype == torch.bool
    assert float(drop.float().mean()) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    "change", [{"motion_noise": -1.0}, {"patch_drop": 1.5}, {"patch_size": 0}, {"audio_drop": -0.1}]
)
def test_impossible_settings(change):
    with pytest.raises(UserError, match=r"config key conditioning_augmentation\.\w+ is .* allowed is"):
        plain_augmentation(**change)
