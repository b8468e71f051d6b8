"""Checks between the blocks of a config.

Checks within a block are where the block is defined.
"""

from dheads_model.config import build
from dheads_model.configuration import read_configuration
from dheads_model.corpora.registry import DATASETS
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.distilled_runs import lineage
from dheads_model.errors import UserError
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.network.export_formats import MODEL_FORMAT, completed
from dheads_model.network.face_boxes import check_face_boxes
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.tensor_header import read_about
from dheads_model.training.distillation_settings import check_teacher
from dheads_model.training.settings import run_settings

_SHARED_SIZES = ("audio_radius", "audio_channels", "feature_bands")


def check_configuration(config: dict) -> None:
    """Raise UserError for the first key, value or blocks of a whole config that are wrong, before any job.

    The workflow and the commands that read a config both call it. It does not check whether files exist.
    """
    read_configuration(config)
    for run, block in config["runs"].items():
        if block["dataset"] not in config["datasets"]:
            raise UserError(f"config key runs.{run}.dataset is {block['dataset']}, which datasets does not list.")
    for name, method in config["methods"].items():
        if method["kind"] == "model" and method["run"] not in config["runs"]:
            raise UserError(f"config key methods.{name}.run is {method['run']}, which runs does not define.")
    if config["table1"]["reference"] not in config["methods"]:
        raise UserError(
            f"config key table1.reference is {config['table1']['reference']}, which methods does not define; it has "
            f"{', '.join(config['methods'])}."
        )
    _check_required(config["metrics"])
    for dataset in DATASETS.values():
        dataset.check(config)
    _check_sync_encoders(config)
    for name, method in config["methods"].items():
        if method["kind"] == "model" and not config["model"]:
            _check_trained_method(name, method, config)
    for name in config["runs"]:
        _check_run(name, config)


def _check_required(metrics: dict) -> None:
    """Raise UserError for a required metric that does not exist or is not requested."""
    keys = [metric.requested for metric in CLIP_METRICS.values() if metric.requested]
    for name in metrics["require"]:
        if name not in DISTANCES and name not in keys:
            raise UserError(
                f"config key metrics.require names {name}, which is no metric; known: {', '.join(sorted([*DISTANCES, *keys]))}."
            )
        if name in DISTANCES and name not in metrics["distances"]:
            raise UserError(f"config key metrics.require names {name}; add it to metrics.distances too.")
        if name not in DISTANCES and not metrics[name]:
            raise UserError(f"config key metrics.require names {name}; set metrics.{name} to true too.")


def check_model(path: str, config: dict) -> None:
    """Raise UserError unless a file is an export that the config's methods of kind model can sample from.

    Only the header is read: damaged weights are found by the job that loads them.
    """
    about = read_about(path, MODEL_FORMAT)
    trained = about["config"]
    for block, cls in (("network", NetworkSettings), ("diffusion", DiffusionSettings)):
        if not isinstance(trained.get(block), dict):
            raise UserError(
                f"{path} has no block {block}, so no model can be built from it; give a whole copy of the file."
            )
        with_name(str(path), lambda block=block, cls=cls: build(cls, completed(block, trained[block]), block, True))
    network = completed("network", trained["network"])
    if network["audio_encoder"] == "conv" and network["feature_bands"] != config["audio"]["bands"]:
        raise UserError(
            f"the model {path} was trained with {network['feature_bands']} bands and config key audio.bands is "
            f"{config['audio']['bands']}; set audio.bands to {network['feature_bands']}."
        )
    for name, method in config["methods"].items():
        if method["kind"] == "model":
            settings = build(SamplingSettings, method["sampling"], f"methods.{name}.sampling")
            with_name(f"methods.{name}", lambda settings=settings: check_sampling(settings, trained))


def with_name(name: str, check):
    """Call a check, put the name of the checked block into its error, and give back what the check gives."""
    try:
        return check()
    except UserError as problem:
        sentence = str(problem)
        kind = name.partition(".")[0]
        if f"{kind}.NAME" in sentence:
            raise UserError(sentence.replace(f"{kind}.NAME", name)) from problem
        raise UserError(f"in {name}: {sentence}") from problem


def _check_run(name: str, config: dict) -> None:
    block = config["runs"][name]
    run = with_name(f"runs.{name}", lambda: run_settings(block))
    network, training = block["network"], block["training"]
    if run.distillation is not None:
        teacher = config["runs"][lineage(config, name)[1]]
        with_name(f"runs.{name}", lambda: check_teacher(run.distillation, block, teacher))
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
            "crops would be enlarged: raise crop.size."
        )
    passes = max(block["gpus"], 1) * training["gradient_accumulation"]
    if training["batch_size"] % passes:
        raise UserError(
            f"config key runs.{name}.training.batch_size is {training['batch_size']}; it must be a multiple of {passes}, "
            f"that is of runs.{name}.gpus (at least 1) times training.gradient_accumulation."
        )
    # A dataset that does not exist is refused when it is planned.
    dataset = DATASETS.get(block["dataset"])
    framing = (dataset and dataset.framing(config)) or "aligned"
    crop, mouth_hidden = config["crop"], bool(block["conditioning_augmentation"]["mouth_drop"])
    with_name(
        f"runs.{name}",
        lambda: check_face_boxes(run.network, crop["eye_distance"], crop["eyes_height"], framing, mouth_hidden),
    )


def _check_trained_method(name: str, method: dict, config: dict) -> None:
    """Raise UserError, before the training, if its model will not fit the method's sampling."""
    run = config["runs"][method["run"]]
    if run["network"]["audio_encoder"] == "published" and not config["published_audio_encoder"]:
        raise UserError(
            f"config key runs.{method['run']}.network.audio_encoder is published, which needs the released file: set "
            "published_audio_encoder to its path, or audio_encoder to conv."
        )
    settings = build(SamplingSettings, method["sampling"], f"methods.{name}.sampling")
    with_name(f"methods.{name}", lambda: check_sampling(settings, run))


def _check_sync_encoders(config: dict) -> None:
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
        _check_encoder_sizes(run, config["runs"][run]["network"], name, encoders[name]["network"])
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


def _check_encoder_sizes(run: str, network: dict, name: str, theirs: dict) -> None:
    if network["audio_encoder"] != "conv":
        raise UserError(f"config key runs.{run}.audio_encoder_from needs runs.{run}.network.audio_encoder conv.")
    for key in _SHARED_SIZES:
        if network[key] != theirs[key]:
            raise UserError(
                f"config key runs.{run}.network.{key} is {network[key]} and sync_encoders.{name}.network.{key} is "
                f"{theirs[key]}; make them equal."
            )
