"""The sync encoder: two small encoders, whose embeddings of mouth and audio are close for synchronous windows.

After SyncNet (Chung & Zisserman 2016), with embeddings of unit length and a contrastive loss (InfoNCE, arXiv 1807.03748;
CLIP's symmetric form, arXiv 2103.00020). The audio half contains an audio encoder with the layers of the talking model's,
so that a diffusion run can initialise its own with it, trainable or frozen.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.faces.mouth import MOUTH_HEIGHT, MOUTH_WIDTH
from dheads_model.network.audio_encoder import AudioEncoder
from dheads_model.network.settings import SyncEncoderSettings
from dheads_model.network.tensor_file import fill, load_tensors, save_tensors

FORMAT = "dheads sync encoder 1"
_HALVINGS = 3
_FIRST_SCALE, _LARGEST_SCALE = 1 / 0.07, 100.0  # as in CLIP, whose clamp keeps the softmax from freezing
_WINDOWS_AT_ONCE = 256


class MouthEncoder(nn.Module):
    """Convolutions with the frames of a window as channels, so that the first layer can detect motion."""

    def __init__(self, settings: SyncEncoderSettings):
        super().__init__()
        self.window = (settings.audio_frames, MOUTH_HEIGHT, MOUTH_WIDTH)
        layers, before = [], settings.audio_frames
        for level in range(_HALVINGS):
            width = settings.mouth_channels * 2**level
            layers += [nn.Conv2d(before, width, 5 if level == 0 else 3, stride=2, padding=2 if level == 0 else 1),
                       nn.GroupNorm(8, width), nn.SiLU()]  # fmt: skip
            before = width
        layers += [nn.Conv2d(before, before, 3, padding=1), nn.GroupNorm(8, before), nn.SiLU()]
        self.layers = nn.Sequential(*layers)
        cells = (MOUTH_HEIGHT >> _HALVINGS) * (MOUTH_WIDTH >> _HALVINGS)
        self.project = nn.Linear(before * cells, settings.embedding_channels)

    def forward(self, windows: Tensor) -> Tensor:
        """Grey mouths `[B, W, 32, 48]` of W consecutive frames, any range -> embeddings of length 1, `[B, E]`.

        Each window is normalised to mean 0 and standard deviation 1, which removes brightness and contrast.
        """
        if tuple(windows.shape[1:]) != self.window:
            raise ValueError(f"windows must be [B, {', '.join(map(str, self.window))}], not {list(windows.shape)}")
        x = windows.float()
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-3)
        return F.normalize(self.project(self.layers(x).flatten(1)), dim=1)


class SyncEncoder(nn.Module):
    """Mouth and audio encoder with the learned scale (inverse temperature) of their cosines."""

    def __init__(self, settings: SyncEncoderSettings):
        super().__init__()
        self.settings = settings
        self.mouth_encoder = MouthEncoder(settings)
        self.audio_encoder = AudioEncoder(settings)
        self.audio_project = nn.Linear(settings.audio_frames * settings.audio_channels, settings.embedding_channels)
        self.log_scale = nn.Parameter(torch.tensor(_FIRST_SCALE).log())

    def embed_mouth(self, windows: Tensor) -> Tensor:
        """Embeddings of length 1, `[B, E]`, of grey mouth windows `[B, W, 32, 48]`."""
        return self.mouth_encoder(windows)

    def embed_audio(self, features: Tensor) -> Tensor:
        """Embeddings of length 1, `[B, E]`, of windows of filterbank features `[B, W, 4, bands]`."""
        return F.normalize(self.audio_project(F.silu(self.audio_encoder(features)).flatten(1)), dim=1)

    def scale(self) -> Tensor:
        """Factor on the cosines before the softmax (inverse temperature), at most 100."""
        return self.log_scale.exp().clamp(max=_LARGEST_SCALE)


@torch.inference_mode()
def embed_clip(model: SyncEncoder, mouths: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mouth, audio) embeddings float32 `[N, E]` of the N = T - W + 1 whole windows of a clip, row i of both around the
    same frame.

    mouths uint8 `[T, 32, 48]`; features float32 `[T, 4, bands]`. N is 0 for a clip shorter than a window.
    """
    size, device = model.settings.audio_frames, model.log_scale.device
    starts = np.arange(len(mouths) - size + 1)
    frames = starts[:, None] + np.arange(size)
    found = [], []
    for part in np.split(frames, range(_WINDOWS_AT_ONCE, len(frames), _WINDOWS_AT_ONCE)):
        found[0].append(model.embed_mouth(torch.from_numpy(mouths[part]).to(device)).cpu().numpy())
        found[1].append(model.embed_audio(torch.from_numpy(features[part]).to(device)).cpu().numpy())
    return np.concatenate(found[0]), np.concatenate(found[1])


def save_sync_encoder(path: Path | str, model: SyncEncoder, config: Mapping, facts: Mapping) -> None:
    """Write the encoders with the config they were trained with and facts about them; see `tensor_file.save_tensors`."""
    about = {"format": FORMAT, "network": model.settings, "config": config, "facts": facts}
    save_tensors(path, model.state_dict(), about)


def load_sync_encoder(path: Path | str) -> tuple[SyncEncoder, dict, dict]:
    """(encoders in evaluation mode on the CPU, config, facts) of a file written by `save_sync_encoder`.

    Raises UserError for a missing or damaged file, one that is no sync encoder, and weights that do not fit.
    """
    state, about = load_tensors(path, FORMAT, "sync encoder")
    if not isinstance(about.get("network"), dict):
        raise UserError(f"{path} has no block network, so no encoder can be built from it.")
    settings = build(SyncEncoderSettings, about["network"], "network")
    model = fill(lambda: SyncEncoder(settings), state, f"the weights in {path}")
    return model.eval().requires_grad_(False), about["config"], about["facts"]
