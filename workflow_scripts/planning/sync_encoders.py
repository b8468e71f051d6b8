"""Checks of the config's sync encoders before any job: they exist, fit, and leak nothing into the evaluation. Standard
library only."""

from dheads_model.errors import UserError

_SHARED_SIZES = ("audio_radius", "audio_channels", "feature_bands")


def check_sync_encoders(config: dict) -> None:
    """Raise UserError for an encoder that is used and does not exist or fit, or for a scorer that is not held out."""
    encoders, scorer = config["sync_encoders"], config["metrics"]["sync_encoder"]
    initial = {
        run: block["audio_encoder_from"] for run, block in config["runs"].items() if block.get("audio_encoder_from")
    }
    uses = {f"runs.{run}.audio_encoder_from": name for run, name in initial.items()}
    uses |= {"metrics.sync_encoder": scorer} if scorer else {}
    for key, name in uses.items():
        if name not in encoders:
            raise UserError(
                f"config key {key} is {name}, which sync_encoders does not define; it has {', '.join(encoders) or 'none'}."
            )
        bands = encoders[name]["network"]["feature_bands"]
        if bands != config["audio"]["bands"]:
            raise UserError(
                f"config key sync_encoders.{name}.network.feature_bands is {bands} and audio.bands is "
                f"{config['audio']['bands']}; make them equal."
            )
    for run, name in initial.items():
        _check_sizes(run, config["runs"][run]["network"], name, encoders[name]["network"])
        if name == scorer:
            raise UserError(
                f"config key metrics.sync_encoder is {scorer}, which run {run} starts its audio encoder from (evaluation leakage): "
                "name another of sync_encoders as held-out scorer."
            )
        if scorer and encoders[scorer]["training"]["seed"] == encoders[name]["training"]["seed"]:
            raise UserError(
                f"config keys sync_encoders.{scorer}.training.seed and sync_encoders.{name}.training.seed are equal, so "
                "the scorer is not held out; make them differ."
            )


def too_few_clips(config: dict, encoder: str, clips: int) -> str:
    """Why a sync encoder is not trained on this many training clips, "" when it is."""
    needed = config["sync_encoders"][encoder]["min_clips"]
    return "" if clips >= needed else f"{clips} training clips, sync encoder {encoder} needs {needed}"


def _check_sizes(run: str, network: dict, name: str, theirs: dict) -> None:
    if network["audio_encoder"] != "conv":
        raise UserError(f"config key runs.{run}.audio_encoder_from needs runs.{run}.network.audio_encoder conv.")
    for key in _SHARED_SIZES:
        if network[key] != theirs[key]:
            raise UserError(
                f"config key runs.{run}.network.{key} is {network[key]} and sync_encoders.{name}.network.{key} is "
                f"{theirs[key]}; make them equal."
            )
