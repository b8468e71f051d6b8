"""Settings that leave out what a test does not look at: no guidance, no augmentation, whole frames."""

import dataclasses

from dheads_model.diffusion.settings import UNGUIDED, AugmentationSettings, SamplingSettings
from dheads_model.network.settings import DiffusionSettings


def plain_diffusion(**changes) -> DiffusionSettings:
    """EDM that predicts whole frames, changed as said."""
    return DiffusionSettings(**{"sigma_data": 0.5, "residual_to": "zero", **changes})


def plain_sampling(**changes) -> SamplingSettings:
    """Eight steps of dpmpp_2m without guidance, changed as said."""
    return dataclasses.replace(UNGUIDED, **changes)


def plain_augmentation(**changes) -> AugmentationSettings:
    """Some noise and blanked patches, no hidden mouths, changed as said."""
    return AugmentationSettings(
        **{"motion_noise": 0.5, "patch_drop": 0.2, "patch_size": 8, "mouth_drop": 0.0, **changes}
    )
