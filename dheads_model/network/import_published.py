"""Weights in the layout of the authors' released networks, read into this project's UNet.

Only the names of the layers are known here; no weights come with the project. The UNet of the authors' checkpoints lies
under the prefix `unet.` or `diffusion.nn_backbone.`.
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
    """Put published weights into `network`, every tensor exactly once.

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


def published_settings(state: Mapping[str, Tensor], image_size: int, head_channels: int = 64) -> NetworkSettings:
    """Settings of a published network read off its tensors; picture size and width of heads leave no trace there.

    Assumes two residual blocks a level and an audio embedding as wide as base_channels, which the authors' code
    demands. Raises UserError when the tensors are of no such network.
    """
    state = without_prefix(state)
    try:
        base = state["time_embed.fc.0.weight"].shape[1]
        inputs = state["input_blocks.0.0.weight"].shape[1]
        window = state["audio_embed.0.weight"].shape[1] // base
        outputs = state["out.2.weight"].shape[0]
        levels = (max(int(name.split(".")[1]) for name in state if name.startswith("input_blocks.")) + 1) // 3
        widths = [state[f"input_blocks.{3 * level + 2}.0.out_layers.3.weight"].shape[0] for level in range(levels)]
    except (KeyError, ValueError) as problem:
        raise UserError(f"these weights are not of a Diffused Heads UNet: {problem} is not among them.") from problem
    except (IndexError, ZeroDivisionError) as problem:
        raise UserError("these weights are not of a Diffused Heads UNet: a tensor has too few dimensions.") from problem
    attended = tuple(
        image_size // 2**level for level in range(levels) if f"input_blocks.{3 * level + 1}.1.qkv.weight" in state
    )
    return NetworkSettings(
        image_size=image_size, base_channels=base, channel_multiples=tuple(width // base for width in widths),
        residual_blocks=2, attention_sizes=attended, head_channels=head_channels, motion_channels=(inputs - 6) // 2,
        audio_radius=(window - 1) // 2, audio_channels=base, audio_encoder="none", learned_variance=outputs == 6,
        time_frequencies="published", noise_level_input=False,
    )  # fmt: skip


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
        # An upsampling block is no block of its own there: it is the last layer of the block before it.
        block, place = (block + 1, 0) if stage.takes_skip else (block, place)
        names |= _stage_names(f"decoder.{number}", stage, f"output_blocks.{block}", place)
        place += 1 if stage.attention is None else 2
    layers = {name.rpartition(".")[0] for name in network.state_dict()}
    unknown = layers - set(names)
    if unknown:
        raise UserError(f"the published networks have no {sorted(unknown)[0]}; set network.noise_level_input to false.")
    return {f"{layer}.{kind}": f"{names[layer]}.{kind}" for layer in sorted(layers) for kind in ("weight", "bias")}


def without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The UNet's tensors of a checkpoint that holds it under a known prefix; a bare UNet's as they are."""
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
