"""A photo of a face and a speech recording of any length become a talking video; see docs/own_photo.md.

The photo is aligned and framed as the data were, by the same functions. Frames are encoded as they come, and sound
goes beside them, so that memory does not grow with the length. Equal inputs give equal bytes on one kind of machine.
"""

import argparse
import dataclasses
import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from dheads_model.config import build
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import stream
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, ClipFailed, ClipFiltered, UserError
from dheads_model.faces.align import AlignSettings
from dheads_model.faces.crop import CropSettings
from dheads_model.faces.photo import crop_photo
from dheads_model.fingerprint import ROOT
from dheads_model.machine_trouble import machine_trouble
from dheads_model.media.audio import loudest_frame_dbfs, stream_speech
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.media.encode import write_video_stream
from dheads_model.network.audio_input import encode_speech, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import TalkingModel, pick_device
from dheads_model.published.audio_encoder import WindowEncoder
from dheads_model.shards.loader import resize_frames
from dheads_model.yaml_file import overlaid, read_yaml

DEFAULT_CONFIG = ROOT / "config/config.yaml"
DEFAULT_SEED = 0
# Weights of the sound that suit the corpus a small model was trained on tear the mouths and cheeks of real faces.
PHOTO_GUIDANCE = 1.5
# The name of the only method of a model that records its sampling without one, as in the default config.
IMPORTED_METHOD = "ours"


@dataclasses.dataclass(frozen=True)
class Talker:
    """A model that was opened to generate: `encoder` makes its embeddings of the sound where it hears by such, `config`
    and `facts` are what its export records."""

    model: TalkingModel
    encoder: WindowEncoder | None
    config: Mapping
    facts: Mapping


def open_talker(path: Path | str, audio_encoder: Path | str | None = None) -> Talker:
    """Open an export, see `save_export`. audio_encoder: the file that an imported model may need beside it.

    Raises UserError for what is no export, and as `open_window_encoder` does.
    """
    model, config, facts = load_export(path)
    return Talker(model, open_window_encoder(model, facts, audio_encoder), config, facts)


def generate_video(
    identity: Path | str,
    audio: Path | str,
    talker: Talker,
    out: Path | str,
    config: Mapping,
    sampling: SamplingSettings,
    seed: int = DEFAULT_SEED,
) -> str:
    """Write the talking video of a photo and a sound file, and say in one line what was written.

    config: the project's; its blocks track and audio say which faces and sounds are refused, its align and crop how the
    photo is framed unless the export records them. The video has the size of that crop. Raises UserError for everything
    that a person can mend, before the first frame where it can be known then.
    """
    check_sampling(sampling, talker.config)
    frames = count_frames(audio, _number(config, "audio", "silence_dbfs"))
    align, crop = (_framing_block(name, cls, talker.facts, config) for name, cls in _FRAMING.items())
    if crop.size % 2:
        raise UserError(f"config key crop.size is {crop.size}; it must be even.")
    backend = _block(config, "track").get("backend")
    face = crop_photo(identity, align, crop, backend, _number(config, "track", "min_eye_distance"))
    pairs = talk(talker, face, audio, sampling, seed)
    written = write_video_stream(out, tqdm(pairs, "generate", frames, unit=" frames", file=sys.stderr))
    return (
        f"wrote {out}: {written} frames ({written / FRAMES_PER_SECOND:.1f} s) of {crop.size} x {crop.size} pixels "
        f"with sound, seed {seed}"
    )


def talk(
    talker: Talker, face: np.ndarray, audio: Path | str, sampling: SamplingSettings, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(picture uint8 RGB `[S, S, 3]`, its sound int16 `[640]`) one by one, in constant memory.

    face: uint8 RGB `[S, S, 3]`, aligned as the model's data. Only as much of the sound file is read as the next frame
    needs. Raises UserError when the sound cannot be decoded.
    """
    device = pick_device()
    model = place_for_sampling(talker.model, device, sampling.compiled)
    identity = torch.from_numpy(resize_frames(face[None], model.network_settings.image_size)[0])
    heard, kept = itertools.tee(_speech(audio))
    features = encode_speech(model, talker.encoder, heard)
    alone = dataclasses.replace(sampling, clips_at_once=1)
    frames = stream(model, to_model_range(identity).to(device), features, alone, seed)
    for picture, samples in zip(frames, kept, strict=True):
        yield resize_frames(picture[None], len(face))[0], samples


def count_frames(audio: Path | str, silence_dbfs: float) -> int:
    """Whole frames of 40 ms in a sound file.

    Raises UserError when it has none, cannot be decoded, or is silent: its loudest frame is below silence_dbfs decibels
    of full scale.
    """
    if Path(audio).is_dir():
        raise UserError(f"{audio} is a folder; give the path of one recording.")
    count, loudest = 0, float("-inf")
    for samples in _speech(audio):
        count, loudest = count + 1, max(loudest, loudest_frame_dbfs(samples))
    if not count:
        raise UserError(f"{audio} is shorter than one frame of 40 ms; give a longer recording.")
    if loudest < silence_dbfs:
        raise UserError(
            f"{audio} is silent: its loudest 40 ms reach {loudest:.0f} dBFS and at least {silence_dbfs:g} are needed; "
            "give a recording of speech."
        )
    return count


def read_config(overlay: Path | str | None, facts: Mapping) -> dict:
    """The project's default config with the methods that a model's facts record, and over it what a YAML file says.

    Raises UserError for an unusable file, for one that sets a part of a method that the model does not record, and where
    neither the model nor a file says how to sample.
    """
    config = read_yaml(DEFAULT_CONFIG)
    recorded = recorded_methods(facts)
    if recorded:
        config["methods"] = {name: {"kind": "model", "sampling": block} for name, block in recorded.items()}
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
            f"with --config, which for the default run is {DEFAULT_CONFIG}."
        )
    return config


def recorded_methods(facts: Mapping) -> dict[str, Mapping]:
    """{name: block sampling} of the methods that an export records; an imported one has a single set, named ours."""
    if "methods" in facts:
        return dict(_mapping(facts["methods"], "methods of the model"))
    return {IMPORTED_METHOD: facts["sampling"]} if "sampling" in facts else {}


def sampling_of(config: Mapping, method: str | None) -> SamplingSettings:
    """Sampler settings of a config's method of kind model, None for the only one. Raises UserError when there are several."""
    methods = {
        name: block for name, block in _block(config, "methods").items()
        if isinstance(block, Mapping) and block.get("kind") == "model"
    }  # fmt: skip
    if method is None and len(methods) == 1:
        (method,) = methods
    if method not in methods:
        known = ", ".join(sorted(methods)) or "none"
        raise UserError(f"the methods of kind model are {known}; choose one of them with --method.")
    where = f"methods.{method}.sampling"
    return build(SamplingSettings, _mapping(methods[method].get("sampling"), where), where)


def _tell_sampling(sampling: SamplingSettings, over: Sequence[str | None], recorded: Mapping) -> None:
    """Say on standard error whose settings of sampling are used, and what they are."""
    sources = ["the model" if recorded else "the default config"] + [f"{source} over them" for source in over if source]
    print(
        f"settings of sampling: those of {', '.join(sources)} ({sampling.sampler}, {sampling.steps} steps, guidance "
        f"{sampling.guidance_scale:g})",
        file=sys.stderr,
    )


_FRAMING = {"align": AlignSettings, "crop": CropSettings}


def _framing_block(name: str, cls, recorded: Mapping, config: Mapping):
    """The block `name` as the export records it, else as the config has it; which one is said on standard error."""
    source = "the model" if name in recorded else "the config, since the model records none"
    print(f"settings of {name}: those of {source}", file=sys.stderr)
    return build(cls, _block(recorded if name in recorded else config, name), name)


def _speech(path: Path | str) -> Iterator[np.ndarray]:
    try:
        yield from stream_speech(path)
    except ClipFiltered as problem:
        raise UserError(f"{path} has no sound track; give a recording of speech, for instance a wav.") from problem
    except ClipFailed as problem:
        if problem.reason == "missing_file":
            raise UserError(f"there is no sound file {path}; give the path of a recording.") from problem
        raise UserError(f"{path} cannot be decoded as sound ({problem.detail}); save it anew as a wav.") from problem


def _check_out(out: Path, sources: Sequence[Path | str]) -> None:
    if out.suffix != ".mp4":
        raise UserError(f"--out is {out}; its name must end in .mp4.")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; give the name of a file.")
    if any(out.exists() and os.path.exists(source) and os.path.samefile(out, source) for source in sources):
        raise UserError(f"--out {out} is one of the files to read, which would be lost; choose another name.")
    folder = next(parent for parent in out.absolute().parents if os.path.exists(parent))
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UserError(f"--out {out} cannot be written: {folder} is no folder with leave to write; choose another.")


def _number(config: Mapping, block: str, key: str) -> float:
    value = _block(config, block).get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"config key {block}.{key} is {value!r}; it must be a number.")
    return float(value)


def _block(config: Mapping, name: str) -> Mapping:
    return _mapping(config.get(name), name)


def _mapping(value, where: str) -> Mapping:
    if not isinstance(value, Mapping):
        raise UserError(f"config key {where} is {value!r}; it must be a block of keys.")
    return value


def _parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m dheads_model.generate", description=__doc__.splitlines()[0])
    result.add_argument("--identity", required=True, help="photo with one face, seen from the front")
    result.add_argument("--audio", required=True, help="speech in any sound or video file")
    result.add_argument("--model", required=True, help="a finished run's model.safetensors")
    result.add_argument("--out", required=True, help="the video to write, an .mp4")
    result.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of the noise (%(default)s)")
    layers = f"YAML laid over {DEFAULT_CONFIG.relative_to(ROOT)} and the sampler settings that the model records (none)"
    result.add_argument("--config", help=layers)
    result.add_argument("--audio-encoder", help="audio_encoder.pt, where an imported model needs it beside it (none)")
    result.add_argument(
        "--method", help="whose sampler settings to take, where the model records several (the only one)"
    )
    result.add_argument("--steps", type=int, help="noise levels a frame (the method's)")
    guidance = (
        "classifier-free guidance scale on the audio condition, 1 is fastest "
        f"(the method's, at most {PHOTO_GUIDANCE:g} unless --config is given)"
    )
    result.add_argument("--guidance-scale", type=float, help=guidance)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 2 after an error, told in one sentence, as everywhere here, and 130 after Ctrl-C."""
    given = _parser().parse_args(arguments)
    try:
        chosen = {
            name: getattr(given, name) for name in ("steps", "guidance_scale") if getattr(given, name) is not None
        }
        _check_out(Path(given.out), (given.identity, given.audio, given.model))
        talker = open_talker(given.model, given.audio_encoder)
        config = read_config(given.config, talker.facts)
        if given.config is None and sampling_of(config, given.method).guidance_scale > PHOTO_GUIDANCE:
            chosen.setdefault("guidance_scale", PHOTO_GUIDANCE)
        sampling = dataclasses.replace(sampling_of(config, given.method), **chosen)
        _tell_sampling(sampling, [given.config, *chosen], recorded_methods(talker.facts))
        print(generate_video(given.identity, given.audio, talker, given.out, config, sampling, given.seed))
    except UserError as problem:
        return _refuse(problem)
    except OSError as problem:
        sentence = machine_trouble(problem)
        if sentence is None:
            raise
        return _refuse(sentence)
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _refuse(problem: Exception) -> int:
    print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
    return EXIT_USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
