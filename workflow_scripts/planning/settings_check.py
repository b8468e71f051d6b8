"""What the schema cannot say of a config: values that must fit together, checked before any job. Standard library only.

The limits themselves stand where the settings are defined; here they are applied to each named block.
"""

import math
from collections.abc import Iterator

from dheads_model.config import build
from dheads_model.corpora.registry import DATASETS
from dheads_model.diffusion.settings import SamplingSettings, check_lower_face, check_sampling
from dheads_model.errors import UserError
from dheads_model.network.export_formats import MODEL_FORMAT
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.tensor_header import read_about
from dheads_model.training.settings import check_validation, run_settings


def check_finite(config: dict) -> None:
    """Raise UserError for a number that is not finite, which YAML writes .nan and .inf."""
    for path, value in _numbers("", config):
        if not math.isfinite(value):
            raise UserError(f"config key {path} is {value}; it must be a finite number.")


def check_settings(config: dict) -> None:
    """Raise UserError for the first blocks of a config, already of the schema's types, that do not fit together."""
    for dataset in DATASETS.values():
        dataset.check(config)
    track = config["track"]
    if track["min_frames"] > track["max_frames"]:
        raise UserError(
            f"config key track.min_frames is {track['min_frames']} and track.max_frames {track['max_frames']}; no clip "
            "could be kept: raise max_frames."
        )
    for name, encoder in config["sync_encoders"].items():
        _check_sync_training(f"sync_encoders.{name}.training", encoder["training"])
    for name, method in config["methods"].items():
        if method["kind"] == "model":
            with_name(f"methods.{name}", lambda method=method: build(SamplingSettings, method["sampling"], "sampling"))
            if not config["model"]:
                _check_trained_method(name, method, config)
    for name in config["runs"]:
        _check_run(name, config)


def check_model(path: str, config: dict) -> None:
    """Raise UserError unless a file is an export that the config's methods of kind model can sample from.

    Its header only is read: damaged weights are found by the job that loads them.
    """
    about = read_about(path, MODEL_FORMAT)
    trained = about["config"]
    for block, cls in (("network", NetworkSettings), ("diffusion", DiffusionSettings)):
        if not isinstance(trained.get(block), dict):
            raise UserError(
                f"{path} has no block {block}, so no model can be built from it; give a whole copy of the file."
            )
        with_name(str(path), lambda block=block, cls=cls: build(cls, trained[block], block))
    network = trained["network"]
    if network.get("audio_encoder", "conv") == "conv" and network["feature_bands"] != config["audio"]["bands"]:
        raise UserError(
            f"the model {path} hears {network['feature_bands']} bands and config key audio.bands is "
            f"{config['audio']['bands']}; set audio.bands to {network['feature_bands']}."
        )
    for name, method in config["methods"].items():
        if method["kind"] == "model":
            settings = build(SamplingSettings, method["sampling"], f"methods.{name}.sampling")
            with_name(f"methods.{name}", lambda settings=settings: check_sampling(settings, trained))


def with_name(name: str, check) -> None:
    """Call a check and put the name of what it looks at into its sentence."""
    try:
        check()
    except UserError as problem:
        sentence = str(problem)
        kind = name.partition(".")[0]
        if f"{kind}.NAME" in sentence:
            raise UserError(sentence.replace(f"{kind}.NAME", name)) from problem
        raise UserError(f"in {name}: {sentence}") from problem


def _check_run(name: str, config: dict) -> None:
    block = config["runs"][name]
    with_name(f"runs.{name}", lambda: run_settings(block))
    network, training = block["network"], block["training"]
    if network["learned_variance"] and block["diffusion"]["parameterization"] != "ddpm":
        raise UserError(
            f"config key runs.{name}.network.learned_variance needs runs.{name}.diffusion.parameterization ddpm."
        )
    if network["audio_encoder"] == "conv" and network["feature_bands"] != config["audio"]["bands"]:
        raise UserError(
            f"config key runs.{name}.network.feature_bands is {network['feature_bands']} and audio.bands is "
            f"{config['audio']['bands']}; make them equal."
        )
    if network["image_size"] > config["crop"]["size"]:
        raise UserError(
            f"config key runs.{name}.network.image_size is {network['image_size']} and crop.size {config['crop']['size']}; "
            "pictures would be enlarged: raise crop.size."
        )
    passes = max(block["gpus"], 1) * training["gradient_accumulation"]
    if training["batch_size"] % passes:
        raise UserError(
            f"config key runs.{name}.training.batch_size is {training['batch_size']}; it must be a multiple of {passes}, "
            f"that is of runs.{name}.gpus (at least 1) times training.gradient_accumulation."
        )
    if block["conditioning_augmentation"]["mouth_drop"]:
        # A dataset that does not exist is refused when it is planned.
        dataset = DATASETS.get(block["dataset"])
        framing = (dataset and dataset.framing(config)) or "aligned"
        crop = config["crop"]
        with_name(
            f"runs.{name}.conditioning_augmentation.mouth_drop",
            lambda: check_lower_face(crop["eye_distance"], crop["eyes_height"], framing),
        )


def _check_sync_training(where: str, training: dict) -> None:
    if training["clips_per_batch"] * training["windows_per_clip"] < 2:
        raise UserError(
            f"config block {where} needs at least two windows a batch: clips_per_batch times windows_per_clip."
        )
    check_validation(f"config key {where}", training["log_every_images"], training["validation_every_images"])


def _check_trained_method(name: str, method: dict, config: dict) -> None:
    """Before the training, whether its model can do what its method will ask of it."""
    run, sampling = config["runs"][method["run"]], method["sampling"]
    if run["network"]["audio_encoder"] == "published" and not config["published_audio_encoder"]:
        raise UserError(
            f"config key runs.{method['run']}.network.audio_encoder is published, which needs the released file: set "
            "published_audio_encoder to its path, or audio_encoder to conv."
        )
    if sampling["guidance_scale"] != 1 and not run["conditioning_augmentation"]["audio_drop"]:
        raise UserError(
            f"config key methods.{name}.sampling.guidance_scale is {sampling['guidance_scale']}, but runs.{method['run']} trains "
            "with conditioning_augmentation.audio_drop 0 and never without sound; set guidance to 1."
        )
    if sampling["hide_mouth"] and not run["conditioning_augmentation"]["mouth_drop"]:
        raise UserError(
            f"config key methods.{name}.sampling.hide_mouth is true, but runs.{method['run']} trains with "
            "conditioning_augmentation.mouth_drop 0; set hide_mouth to false."
        )
    settings = build(SamplingSettings, sampling, f"methods.{name}.sampling")
    with_name(f"methods.{name}", lambda: check_sampling(settings, run))


def _numbers(path: str, value) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _numbers(f"{path}[{number}]", inner)
    elif isinstance(value, float):
        yield path, value
