"""Loading weights in the layout of the authors' released networks into this project's UNet.

This file has the names of the layers only; the project contains no weights. The UNet of the authors' checkpoints has
the prefix `unet.` or `diffusion.nn_backbone.`.
"""

from collections.abc import Mapping

from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.unet import UNet

PREFIXES = ("unet.", "diffusion.nn_backbone.")
_BLOCK = {
    "norm_in": "in_layers.0", "conv_in": "in_layers.2", "time_affine": "t_emb_layers.1",
    "condition_affine": "audio_emb_layers.1", "norm_out": "out_layers.0", "conv_out": "out_layers.3",
    "skip": "skip_connection",
}  # fmt: skip
_ATTENTION = {"norm": "norm", "qkv": "qkv", "project": "proj_out"}


def load_published(network: UNet, state: Mapping[str, Tensor]) -> None:
    """Load published weights into `network`, every tensor exactly once.

    Raises UserError when a tensor is missing, left over or of another shape; `network` is then unchanged.
    """
    state = without_prefix(state)
    names = published_names(network)
    own = network.state_dict()
    missing, left = sorted(set(names.values()) - set(state)), sorted(set(state) - set(names.values()))
    if missing or left:
        raise UserError(
            f"these weights are of another network: {len(missing)} tensors are missing (first: {missing[:1]}) and "
            f"{len(left)} are left over (first: {left[:1]}); compare the network settings with published_settings()."
        )
    for name, published in names.items():
        if own[name].shape != state[published].shape:
            raise UserError(
                f"{published} has shape {list(state[published].shape)} where the network needs {list(own[name].shape)}."
            )
    network.load_state_dict({name: state[published] for name, published in names.items()}, strict=True)


def published_settings(
    state: Mapping[str, Tensor], image_size: int, head_channels: int = 64, motion_frames: int | None = None
) -> NetworkSettings:
    """Settings of a published network from its tensors, with any number of levels, residual blocks and motion frames.

    Image size and head channels cannot be derived. motion_frames: None derives the number from the input channels;
    two grey or two colour frames, as released, are recognised, other numbers only if they are unambiguous. Assumes an
    audio embedding with base_channels channels, which the authors' code requires. Raises UserError when
    the tensors are of no such network, or when the number of motion frames must be given or does not fit.
    """
    state = without_prefix(state)
    try:
        base = state["time_embed.fc.0.weight"].shape[1]
        inputs = state["input_blocks.0.0.weight"].shape[1]
        window = state["audio_embed.0.weight"].shape[1] // base
        outputs = state["out.2.weight"].shape[0]
        levels, blocks = _levels_and_blocks(state)
        per_level = blocks + 1
        widths = [
            state[f"input_blocks.{per_level * level + 1}.0.out_layers.3.weight"].shape[0] for level in range(levels)
        ]
    except (KeyError, ValueError) as problem:
        raise UserError(f"these weights are not of a Diffused Heads UNet: {problem} is not among them.") from problem
    except (IndexError, ZeroDivisionError) as problem:
        raise UserError("these weights are not of a Diffused Heads UNet: a tensor has too few dimensions.") from problem
    attended = tuple(
        image_size // 2**level
        for level in range(levels)
        if f"input_blocks.{per_level * level + 1}.1.qkv.weight" in state
    )
    frames, channels = _motion(inputs - 6, motion_frames)
    return NetworkSettings(
        image_size=image_size, patch=1, norm_groups=32, dropout=0.0, base_channels=base,
        channel_multiples=tuple(width // base for width in widths),
        residual_blocks=blocks, attention_sizes=attended, head_channels=head_channels, motion_frames=frames,
        motion_channels=channels, audio_radius=(window - 1) // 2, audio_channels=base, audio_encoder="none",
        learned_variance=outputs == 6, time_frequencies="published", noise_level_input=False,
        audio_norm=False, lip_reader=False, eye_condition=False,
    )  # fmt: skip


def _levels_and_blocks(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """(levels, residual blocks per level). Encoder and decoder have levels (blocks + 1) numbered blocks each, and the
    first block of the decoder with a second residual block inside, which upsamples, is the last of its level."""
    count = max(int(name.split(".")[1]) for name in state if name.startswith("input_blocks.")) + 1
    doubling = [
        number
        for number in range(count)
        for place in (1, 2)
        if f"output_blocks.{number}.{place}.in_layers.2.weight" in state
    ]
    per_level = min(doubling, default=count - 1) + 1
    if count % per_level or per_level < 2:
        raise UserError(
            f"these weights are not of a Diffused Heads UNet: {count} blocks of the encoder are no whole number of levels "
            f"of {per_level}."
        )
    return count // per_level, per_level - 1


def _motion(channels: int, frames: int | None) -> tuple[int, int]:
    """(motion frames, channels of each) from the number of input channels of the motion frames."""
    if frames is None:
        if channels in (2, 6):
            frames = 2
        elif channels > 0 and channels % 3:
            frames = channels
        else:
            raise UserError(
                f"these weights take {channels} channels of motion frames, which {channels} grey or {channels // 3} colour "
                "frames would have; give the number of motion frames (--motion-frames)."
                if channels > 0
                else f"these weights are not of a Diffused Heads UNet: {channels + 6} input channels leave none for motion."
            )
    if frames < 1 or channels not in (frames, 3 * frames):
        raise UserError(
            f"these weights take {channels} channels of motion frames, which {frames} motion frames do not have, grey or "
            "in colour."
        )
    return frames, channels // frames


def published_names(network: UNet) -> dict[str, str]:
    """Name here -> published name, for every tensor of the network."""
    names = {
        "time_embed.first": "time_embed.fc.0", "time_embed.second": "time_embed.fc.2", "audio_embed.0": "audio_embed.0",
        "audio_embed.2": "audio_embed.2", "stem": "input_blocks.0.0", "head_norm": "out.0", "head": "out.2",
    }  # fmt: skip
    for number, stage in enumerate(network.encoder):
        names |= _stage_names(f"encoder.{number}", stage, f"input_blocks.{number + 1}", 0)
    names |= _stage_names("middle.0", network.middle[0], "middle_block", 0)
    names |= _stage_names("middle.1", network.middle[1], "middle_block", 2)
    block, place = -1, 0
    for number, stage in enumerate(network.decoder):
        # In the published network an upsampling block is the last layer of the block before it.
        block, place = (block + 1, 0) if stage.takes_skip else (block, place)
        names |= _stage_names(f"decoder.{number}", stage, f"output_blocks.{block}", place)
        place += 1 if stage.attention is None else 2
    layers = {name.rpartition(".")[0] for name in network.state_dict()}
    unknown = layers - set(names)
    if unknown:
        raise UserError(f"the published networks have no {sorted(unknown)[0]}; set network.noise_level_input to false.")
    return {f"{layer}.{kind}": f"{names[layer]}.{kind}" for layer in sorted(layers) for kind in ("weight", "bias")}


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The UNet's tensors of a checkpoint with a known prefix, without the prefix; a bare UNet's unchanged."""
    for prefix in PREFIXES:
        inside = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        if inside:
            return inside
    return dict(state)


def _stage_names(here: str, stage, there: str, place: int) -> dict[str, str]:
    names = {f"{here}.block.{own}": f"{there}.{place}.{published}" for own, published in _BLOCK.items()}
    if stage.attention is not None:
        place += 1
        names |= {f"{here}.attention.{own}": f"{there}.{place}.{published}" for own, published in _ATTENTION.items()}
    return names
