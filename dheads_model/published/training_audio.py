"""Training with the frozen audio encoder of the paper: embeddings are computed once per clip, only the UNet is trained."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.network.audio_input import encode_clip_audio
from dheads_model.network.settings import NetworkSettings
from dheads_model.published.audio_encoder import SDAAudioEncoder, sda_audio_encoder
from dheads_model.published.checkpoint_files import read_checkpoint
from dheads_model.shards.reader import ShardClip
from dheads_model.training.settings import RunSettings


@dataclass(frozen=True)
class FrozenAudioEncoder:
    """The encoder in evaluation mode, and the sha256 of its file."""

    encoder: SDAAudioEncoder
    sha256: str

    def embed(self, clip: ShardClip) -> np.ndarray:
        """Audio embeddings float32 `[T, 256]` of a prepared clip, for `load_split`."""
        return encode_clip_audio(self.encoder, clip.audio, clip.features).numpy()

    def of_unet(self, run: RunSettings) -> RunSettings:
        """The run for the training loop: a network whose input is embeddings."""
        return dataclasses.replace(run, network=dataclasses.replace(run.network, audio_encoder="none"))

    def with_encoder(self, network: NetworkSettings) -> NetworkSettings:
        """The settings of the whole model, with the width of this encoder's codes."""
        return dataclasses.replace(network, audio_code_channels=self.encoder.rnn.input_size)

    def add_weights(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights of the whole model: the trained UNet's and the encoder's."""
        return weights | {f"audio_encoder.{name}": value for name, value in self.encoder.state_dict().items()}


def open_frozen_audio_encoder(network: NetworkSettings, path: Path | str | None) -> FrozenAudioEncoder | None:
    """The frozen encoder of a run with network.audio_encoder published, from its file; None for other runs.

    Raises UserError without a file, and for a file without the layers of SDA's encoder.
    """
    if network.audio_encoder != "published":
        return None
    if path is None:
        raise UserError(
            "network.audio_encoder published needs the released audio_encoder.pt; give its path as config key "
            "published_audio_encoder."
        )
    return FrozenAudioEncoder(sda_audio_encoder(read_checkpoint(path).tensors), sha256_of(path))
