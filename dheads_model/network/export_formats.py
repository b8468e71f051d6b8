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
