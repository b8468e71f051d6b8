"""Settings of a talker, from the facts of its export and from a config: sampling, framing, limits."""

import dataclasses
import numbers
from collections.abc import Mapping
from pathlib import Path

from dheads_model.config import build
from dheads_model.configuration_checks import check_configuration
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.distilled_runs import fill_distilled
from dheads_model.errors import UserError
from dheads_model.faces.align import AlignSettings
from dheads_model.faces.crop import CropSettings
from dheads_model.fingerprint import ROOT
from dheads_model.network.export_formats import completed
from dheads_model.yaml_file import overlaid, read_yaml

DEFAULT_CONFIG = ROOT / "config/config.yaml"
# Higher guidance scales suit a model's own generated faces, but give artefacts on mouths and cheeks of real ones. A model that
# was trained on real faces keeps its own.
PHOTO_GUIDANCE = 1.5
GENERATED_FACES = "embedded"
# The name of the only method of a model that records its sampling without one, as in the default config.
IMPORTED_METHOD = "ours"
_NUMBERS = {"steps": (numbers.Integral, "a whole number"), "guidance_scale": (numbers.Real, "a number")}


@dataclasses.dataclass(frozen=True)
class TalkerSettings:
    """Sampling, framing and limits of a talker.

    min_eye_distance: of the face in a photo, pixels. silence_dbfs: of the loudest frame of speech, decibels of full scale.
    sources: of sampling, align and crop, where they come from. capped: the method's guidance scale was lowered to PHOTO_GUIDANCE.
    """

    sampling: SamplingSettings
    align: AlignSettings
    crop: CropSettings
    backend: str
    min_eye_distance: float
    silence_dbfs: float
    sources: Mapping[str, str]
    capped: bool


def read_settings(facts: Mapping, overlay: Path | str | None, method: str | None) -> TalkerSettings:
    """Settings of an export's facts, over the default config, and under a YAML overlay (None for none).

    method: of several that the model records. Without an overlay the guidance scale is PHOTO_GUIDANCE at most, unless the
    model records that it was trained on another dataset than generated faces. Raises UserError as `read_config` and
    `sampling_of` do, and for framing that cannot be used.
    """
    config = read_config(overlay, facts)
    sampling = sampling_of(config, method)
    generated = facts.get("dataset", GENERATED_FACES) == GENERATED_FACES
    capped = overlay is None and generated and sampling.guidance_scale > PHOTO_GUIDANCE
    if capped:
        sampling = dataclasses.replace(sampling, guidance_scale=PHOTO_GUIDANCE)
    given = "the model" if recorded_methods(facts) else "the default config"
    sources = {"sampling": given if overlay is None else f"{given}, {overlay} over them"}
    for name in ("align", "crop"):
        sources[name] = "the model" if name in facts else "the config, since the model records none"
    blocks = {name: facts[name] if name in facts else config[name] for name in ("align", "crop")}
    return TalkerSettings(
        sampling,
        build(AlignSettings, blocks["align"], "align", every_key=True),
        build(CropSettings, blocks["crop"], "crop", every_key=True),
        config["track"]["backend"],
        float(config["track"]["min_eye_distance"]),
        float(config["audio"]["silence_dbfs"]),
        sources,
        capped,
    )


def chosen_sampling(settings: TalkerSettings, chosen: Mapping[str, float]) -> SamplingSettings:
    """The sampling of one video; chosen: steps and guidance_scale that replace the talker's.

    Raises UserError for values that are no such numbers.
    """
    for name, value in chosen.items():
        kind, word = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, kind):
            raise UserError(f"{name} is {value!r}; it must be {word}.")
    plain = {name: int(value) if name == "steps" else float(value) for name, value in chosen.items()}
    return dataclasses.replace(settings.sampling, **plain)


def describe(settings: TalkerSettings, chosen: Mapping[str, float]) -> list[str]:
    """Lines that state the settings of sampling and framing of a video, and their origin."""
    sampling = chosen_sampling(settings, chosen)
    over = [*chosen, *(["guidance_scale"] if settings.capped and "guidance_scale" not in chosen else [])]
    sources = [settings.sources["sampling"], *(f"{name} over them" for name in over)]
    return [
        f"settings of sampling: those of {', '.join(sources)} ({sampling.sampler}, {sampling.steps} steps, guidance "
        f"{sampling.guidance_scale:g})",
        *(f"settings of {name}: those of {settings.sources[name]}" for name in ("align", "crop")),
    ]


def read_config(overlay: Path | str | None, facts: Mapping) -> dict:
    """The project's default config with the methods that a model's facts record, and over it what a YAML file says.

    Raises UserError for an unusable file, for a config that `check_configuration` refuses, for a file that sets a part
    of a method that the model does not record, and where neither the model nor a file says how to sample.
    """
    # The model exists: its methods are checked against it, not against the config of a training.
    config = read_yaml(DEFAULT_CONFIG) | {"model": "the given one"}
    recorded = recorded_methods(facts)
    if recorded:
        config |= _of_model(config, recorded)
    if overlay is not None:
        over = read_yaml(overlay)
        for name, block in _mapping(over.get("methods", {}), "methods").items():
            if name not in config["methods"] and isinstance(block, Mapping) and "kind" not in block:
                known = ", ".join(sorted(config["methods"]))
                raise UserError(
                    f"{overlay} sets a part of methods.{name}, which is none of {known}; write one of these."
                )
        config = overlaid(config, over)
    elif not recorded:
        raise UserError(
            "this model records no settings of sampling, as models that were exported earlier; give the config of its run "
            f"with --config, in Python with config=, which for the default run is {DEFAULT_CONFIG}."
        )
    fill_distilled(config)
    check_configuration(config)
    return config


def _of_model(config: Mapping, recorded: Mapping[str, Mapping]) -> dict:
    """Config keys for sampling from a model as it records them."""
    run = next(iter(config["runs"]))
    methods = {
        name: {"kind": "model", "run": run, "gpus": 0, "sampling": completed("sampling", block)}
        for name, block in recorded.items()
    }
    return {"methods": methods, "table1": {"reference": next(iter(methods))}}


def recorded_methods(facts: Mapping) -> dict[str, Mapping]:
    """{name: block sampling} of the methods that an export records; an imported one has a single set, named ours."""
    if "methods" in facts:
        return dict(_mapping(facts["methods"], "methods of the model"))
    return {IMPORTED_METHOD: facts["sampling"]} if "sampling" in facts else {}


def sampling_of(config: Mapping, method: str | None) -> SamplingSettings:
    """Sampler settings of a config's method of kind model, None for the only one. Raises UserError when there are several."""
    methods = {name: block for name, block in config["methods"].items() if block["kind"] == "model"}
    if method is None and len(methods) == 1:
        (method,) = methods
    if method not in methods:
        known = ", ".join(sorted(methods)) or "none"
        raise UserError(
            f"the methods of kind model are {known}; choose one of them with --method, in Python with method=."
        )
    return build(SamplingSettings, methods[method]["sampling"], f"methods.{method}.sampling")


def _mapping(value, where: str) -> Mapping:
    if not isinstance(value, Mapping):
        raise UserError(f"config key {where} is {value!r}; it must be a block of keys.")
    return value
