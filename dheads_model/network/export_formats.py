"""Formats of exported models. Older ones are read by renaming their config keys. Standard library only."""

from collections.abc import Mapping

MODEL_FORMAT = "dheads model 2"

# {format: {block: {old key: new key}}}. "" is the run's config itself, "sampling" each method's settings in the facts.
_RENAMED = {
    "dheads model 1": {
        "": {"corruption": "conditioning_augmentation"},
        "diffusion": {"form": "parameterization", "centre": "residual_to"},
        "training": {
            "accumulation": "gradient_accumulation",
            "audio_rate": "audio_lr_scale",
            "bound_weight": "vlb_weight",
            "lip_rate": "lip_lr_scale",
            "recompute_activations": "gradient_checkpointing",
            "stop_when_deaf": "stop_when_audio_ignored",
        },
        "sampling": {"guidance": "guidance_scale"},
    }
}


# {block: {key: value}} of keys that an export may leave out, as it was written before they were there: what holds then.
# Defaults of today's settings may change; these may not.
_WHERE_LEFT_OUT = {
    "network": {
        "patch": 1, "norm_groups": 32, "dropout": 0.0, "motion_frames": 2, "motion_channels": 1, "audio_radius": 2,
        "audio_channels": 256, "feature_bands": 80, "audio_encoder": "conv", "learned_variance": False,
        "noise_level_input": True, "audio_norm": False, "lip_reader": False, "lip_gain": 1.0,
        "lip_box": [0.55, 0.9, 0.3, 0.7], "lower_face": [0.55, 0.96, 0.3, 0.7], "eye_condition": False, "face_reader": False,
        "eye_box": [0.34, 0.49, 0.3, 0.7],
    },
    "diffusion": {"parameterization": "edm", "sigma_data": 0.5, "residual_to": "zero", "timesteps": 1000},
    "sampling": {
        "sampler": "dpmpp_2m", "steps": 8, "sigma_min": 0.02, "sigma_max": 20.0, "rho": 7.0, "eta": 0.0,
        "guidance_scale": 1.0, "guidance_interval": [0.1, 10.0], "motion_noise": 0.0, "hide_mouth": False,
        "blinks_per_second": 0.0, "anchor_every": 0, "clips_at_once": 4, "compiled": False,
    },
}  # fmt: skip


def completed(block: str, values):
    """A block of an export, "network", "diffusion" or a method's "sampling", with the keys that it leaves out.

    What is no block is given back as it is.
    """
    return {**_WHERE_LEFT_OUT[block], **values} if isinstance(values, Mapping) else values


def is_older(found: object, wanted: str) -> bool:
    """Whether a file of the format `found` can be read as one of the format `wanted` after `migrate`."""
    return wanted == MODEL_FORMAT and isinstance(found, str) and found in _RENAMED


def migrate(about: Mapping) -> dict:
    """Metadata of an export of an older format, with the config keys of the current format."""
    names = _RENAMED[about["format"]]
    config = _renamed(about["config"], names[""])
    for block in ("diffusion", "training"):
        if isinstance(config.get(block), Mapping):
            config[block] = _renamed(config[block], names[block])
    facts = dict(about["facts"])
    if isinstance(facts.get("methods"), Mapping):
        facts["methods"] = {
            name: _renamed(sampling, names["sampling"]) if isinstance(sampling, Mapping) else sampling
            for name, sampling in facts["methods"].items()
        }
    return {**about, "format": MODEL_FORMAT, "config": config, "facts": facts}


def _renamed(block: Mapping, names: Mapping[str, str]) -> dict:
    return {names.get(key, key): value for key, value in block.items()}
