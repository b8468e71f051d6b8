"""The whole model: audio encoder and UNet, with the settings that say how to read them."""

import contextlib

import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.network.audio_encoder import AudioEncoder
from dheads_model.network.face_reader import FaceReader
from dheads_model.network.lip_reader import LipReader
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.unet import FrameConditions, UNet
from dheads_model.published.audio_encoder import SDAAudioEncoder


class TalkingModel(nn.Module):
    """Audio encoder and UNet, trained together.

    `precision` is the dtype of the network's arithmetic, float32 or bfloat16 (for GPUs; weights, noise levels and sampler
    stay float32); it is not saved with the weights. Raises UserError for settings that contradict each other.
    """

    def __init__(self, network: NetworkSettings, diffusion: DiffusionSettings):
        super().__init__()
        if network.learned_variance and diffusion.parameterization != "ddpm":
            raise UserError(
                "network.learned_variance needs diffusion.parameterization ddpm; edm has no variance to learn."
            )
        self.network_settings, self.diffusion_settings = network, diffusion
        self.precision = torch.float32
        self.audio_encoder = _audio_encoder(network)
        self.unet = UNet(network)
        # Last, so that the other modules have the same initial weights with and without it.
        self.lip_reader = LipReader(network) if network.lip_reader else None
        self.face_reader = FaceReader(network.image_size) if network.face_reader else None

    def encode(
        self,
        identity: Tensor,
        motion: Tensor,
        audio_features: Tensor,
        motion_noise: Tensor | None = None,
        audio_drop: Tensor | None = None,
        lips: Tensor | None = None,
        eyes: Tensor | None = None,
    ) -> FrameConditions:
        """Encode the conditions of a frame, once for all denoising steps.

        identity `[B, 3, H, W]` and motion `[B, M C, H, W]` in [-1, 1]; audio_features from `network.audio_input`:
        `[B, W, 4, bands]`, or embeddings `[B, W, D]` with other audio encoders than "conv"; motion_noise `[B]`, None
        with a network that has no such input; audio_drop: bool `[B]`, True where the audio condition is dropped (its
        embeddings become zero), None for nowhere. lips: the measured lip shape of the frame `[B, LIP_NUMBERS]` from
        `lip_shape`, for a network with a lip_reader; None to predict it from the audio features.
        eyes: closure of the eyes `[B, 1]` from `eye_closure`, for a network with an eye_condition; None for open eyes.
        """
        lip_condition = self._lip_condition(audio_features, audio_drop, lips) if self.lip_reader is not None else None
        if eyes is None and self.network_settings.eye_condition:
            eyes = torch.zeros(len(identity), 1, device=identity.device)
        with self._arithmetic(identity):
            audio = audio_features
            if self.network_settings.audio_encoder == "conv":
                audio = self.audio_encoder(audio_features)
            if audio_drop is not None:
                audio = audio * ~audio_drop[:, None, None]
            return self.unet.encode_conditions(identity, motion, audio, motion_noise, lip_condition, eyes)

    def _lip_condition(self, audio_features: Tensor, audio_drop: Tensor | None, lips: Tensor | None) -> Tensor:
        """Measured or predicted lips and 1, `[B, LIP_NUMBERS + 1]`, zeros where the audio condition is dropped."""
        if lips is None:
            lips = self.lip_reader.predict(audio_features, self.network_settings.lip_gain)
        condition = torch.cat([lips, torch.ones_like(lips[:, :1])], dim=1)
        return condition if audio_drop is None else condition * ~audio_drop[:, None]

    def forward(self, x: Tensor, time: Tensor, conditions: FrameConditions) -> Tensor:
        """Raw output of the UNet `[B, 3 or 6, H, W]`, float32, for scaled noisy frames and noise coordinates `[B]`."""
        with self._arithmetic(x):
            output = self.unet.step(x, time, conditions)
        return output.float()

    def _arithmetic(self, x: Tensor) -> contextlib.AbstractContextManager:
        if self.precision == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(x.device.type, dtype=self.precision)


def _audio_encoder(network: NetworkSettings) -> nn.Module | None:
    if network.audio_encoder == "conv":
        return AudioEncoder(network)
    if network.audio_encoder == "published":
        return SDAAudioEncoder(network.audio_code_channels).requires_grad_(False)
    return None


def pick_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """Name of a device, for benchmark results."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU only"


def parameter_count(module: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in module.parameters())
