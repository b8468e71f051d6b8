"""Import of the authors' released weights, in any of their file formats, as a model of this project.

Two formats were released (the repository's README): TorchScript archives (`crema_script.pt` with `audio_encoder.pt`) and
later a Lightning checkpoint; safetensors with the same names are accepted too. The released weights are CC BY-NC-SA 4.0,
and so is a model made from them.

The UNet is conditioned on the audio embeddings of audio_encoder.pt. If that file has the layers of SDA's encoder, its
weights are copied into the model, which is then complete. If it has others, the model stores only its sha256: the file
must then be given with the model, and is executed only if the sha256 matches (`audio_encoder.script_audio_encoder`).
"""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from dheads_model.errors import EXIT_USER_ERROR, UserError
from dheads_model.files import sha256_of
from dheads_model.network.export import save_export
from dheads_model.network.settings import PAPER_DIFFUSION, PUBLISHED_AUDIO_CHANNELS, NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.audio_encoder import SDAAudioEncoder, has_sda_layers, sda_audio_encoder
from dheads_model.published.checkpoint_files import Checkpoint, is_torchscript, read_checkpoint
from dheads_model.published.unet_weights import PREFIXES, load_published, published_settings

# Settings of the released network that cannot be derived from its tensors (from its configuration).
IMAGE_SIZE, HEAD_CHANNELS, TIMESTEPS = 128, 64, 1000
_NETWORK_KINDS = {"id_condition_type": "frame", "audio_condition_type": "double_pre_gn", "resblock_updown": True}
# The authors' recommendation for the released network.
SAMPLING = {"sampler": "ancestral_ddpm", "steps": 100, "guidance_scale": 1.0}
log = logging.getLogger(__name__)


def import_unet(
    path: Path | str, image_size: int, head_channels: int, motion_frames: int | None = None
) -> tuple[TalkingModel, Checkpoint]:
    """(model in evaluation mode on the CPU, its checkpoint); every tensor of the UNet is used exactly once.

    image_size: pixels per side; head_channels: channels of an attention head; neither can be derived from the tensors.
    motion_frames: None takes the file's hyper-parameter, else derives it from the tensors (`published_settings`). The
    model takes precomputed audio embeddings, `[B, W, D]`, and is a DDPM of 1000 steps. Nothing in the file is executed.
    Raises UserError for a file that is unreadable, of another network, or whose hyper-parameters contradict the tensors.
    """
    checkpoint = read_checkpoint(path)
    state = _unet_state(checkpoint.tensors, path)
    if motion_frames is None:
        motion_frames = _stated_motion_frames(checkpoint.hyper_parameters, path)
    settings = published_settings(state, image_size, head_channels, motion_frames)
    _compare(checkpoint.hyper_parameters, settings, path)
    model = TalkingModel(settings, dataclasses.replace(PAPER_DIFFUSION, timesteps=TIMESTEPS))
    load_published(model.unet, state)
    return model.eval().requires_grad_(False), checkpoint


def import_model(
    unet: Path | str,
    audio_encoder: Path | str | None,
    output: Path | str,
    image_size: int,
    head_channels: int,
    motion_frames: int | None = None,
) -> None:
    """Write a published UNet as a model of this project (see `import_unet`) with the sha256 of its source files.

    audio_encoder: the file that computes this UNet's audio embeddings, None if not available; its weights are copied into
    the model or its sha256 is stored in the facts, see above. The facts also store the authors' sampling settings. Equal
    files give equal bytes.
    """
    model, checkpoint = import_unet(unet, image_size, head_channels, motion_frames)
    facts = {"unet": {**_file_facts(unet), "kind": checkpoint.kind}, "audio_encoder": None, "sampling": SAMPLING}
    if audio_encoder is not None:
        facts["audio_encoder"] = _file_facts(audio_encoder)
        inner = _sda_layers(audio_encoder)
        if inner is not None:
            model = _with_encoder(model, inner)
    config = {"network": model.network_settings, "diffusion": model.diffusion_settings}
    save_export(output, model.state_dict(), config, facts)
    log.info("%s: %s tensors from %s; the released weights are CC BY-NC-SA 4.0", output, len(model.state_dict()), unet)


def _sda_layers(path: Path | str) -> SDAAudioEncoder | None:
    """The encoder in a file with SDA's layers; None for an archive of other layers, which must be executed itself."""
    tensors = read_checkpoint(path).tensors
    if has_sda_layers(tensors):
        return sda_audio_encoder(tensors)
    if not is_torchscript(path):
        raise UserError(
            f"{path} holds neither SDA's audio encoder nor a TorchScript archive; give the audio_encoder.pt of the release."
        )
    log.warning(
        "%s does not have the layers of SDA's encoder: the model stores its sha256 only, and needs that file when it is used.",
        path,
    )
    return None


def _with_encoder(model: TalkingModel, encoder: SDAAudioEncoder) -> TalkingModel:
    """The model with the encoder of its audio embeddings included."""
    if model.network_settings.audio_channels != PUBLISHED_AUDIO_CHANNELS:
        raise UserError(
            f"the UNet takes embeddings of {model.network_settings.audio_channels} values and the audio encoder makes "
            f"{PUBLISHED_AUDIO_CHANNELS}; they do not belong together."
        )
    codes = encoder.rnn.input_size
    settings = dataclasses.replace(model.network_settings, audio_encoder="published", audio_code_channels=codes)
    whole = TalkingModel(settings, model.diffusion_settings)
    whole.unet.load_state_dict(model.unet.state_dict())
    whole.audio_encoder.load_state_dict(encoder.state_dict())
    return whole.eval().requires_grad_(False)


def _unet_state(tensors: Mapping[str, Tensor], path: Path | str) -> dict[str, Tensor]:
    """The UNet's tensors without prefix; the two copies in a Lightning checkpoint must be the same."""
    copies = [
        {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        for prefix in PREFIXES
    ]
    copies = [copy for copy in copies if copy] or [dict(tensors)]
    for copy in copies[1:]:
        if copy.keys() != copies[0].keys() or not all(torch.equal(copy[name], copies[0][name]) for name in copy):
            raise UserError(f"{path} holds two different UNets under {' and '.join(PREFIXES)}; keep one of them.")
    for name, tensor in copies[0].items():
        if not tensor.is_floating_point():
            raise UserError(f"{path} is not of a Diffused Heads UNet: {name} is of type {tensor.dtype}.")
    return copies[0]


def _stated_motion_frames(stated: Mapping, path: Path | str) -> int | None:
    """Number of motion frames in a checkpoint's hyper-parameters, None without that entry."""
    frames = stated.get("n_motion_frames")
    if frames is not None and type(frames) is not int:
        raise UserError(f"{path} says n_motion_frames {frames!r}, which is no number; pass --motion-frames.")
    return frames


def _compare(stated: Mapping, settings: NetworkSettings, path: Path | str) -> None:
    """Raise UserError if a checkpoint's hyper-parameters contradict the settings derived from its tensors."""
    assumed = {
        "image_size": settings.image_size,
        "num_head_channels": settings.head_channels,
        "n_timesteps": TIMESTEPS,
        "num_res_blocks": settings.residual_blocks,
        "n_motion_frames": settings.motion_frames,
        "n_audio_motion_embs": settings.audio_radius,
        **_NETWORK_KINDS,
    }
    options = {
        "image_size": "--image-size",
        "num_head_channels": "--head-channels",
        "n_motion_frames": "--motion-frames",
    }
    for name, value in assumed.items():
        if name in stated and stated[name] != value:
            hint = f"pass {options[name]}" if name in options else "a network of another kind cannot be imported"
            raise UserError(f"{path} says {name} {stated[name]!r} where {value!r} is assumed; {hint}.")


def _file_facts(path: Path | str) -> dict[str, str | int]:
    path = Path(path)
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command; a UserError gives one sentence and exit code 2. arguments: None takes those of the process."""
    parser = argparse.ArgumentParser(prog="dheads_model.published.import_model", description=__doc__)
    parser.add_argument("--unet", required=True, help="crema_script.pt, the Lightning .ckpt, or safetensors")
    parser.add_argument(
        "--audio-encoder", help="audio_encoder.pt, whose weights are copied into the model if its layers are known"
    )
    parser.add_argument("--output", required=True, help="the model, .safetensors")
    parser.add_argument("--image-size", type=int, default=IMAGE_SIZE, help="pixels per side (default: %(default)s)")
    parser.add_argument(
        "--head-channels", type=int, default=HEAD_CHANNELS, help="of an attention head (default: %(default)s)"
    )
    parser.add_argument(
        "--motion-frames",
        type=int,
        help="if neither the file's hyper-parameters nor its tensors determine their number",
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        import_model(
            given.unet, given.audio_encoder, given.output, given.image_size, given.head_channels, given.motion_frames
        )
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
