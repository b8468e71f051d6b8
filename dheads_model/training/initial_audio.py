"""Initialisation of a run's audio encoder with a trained one, which may be frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.sync_encoder import load_sync_encoder
from dheads_model.network.talking_model import TalkingModel


@dataclass(frozen=True)
class InitialAudioEncoder:
    """weights: of `TalkingModel.audio_encoder`. sha256: of the file they come from. frozen: whether they are not trained."""

    weights: Mapping[str, Tensor]
    sha256: str
    frozen: bool

    def start(self, model: TalkingModel) -> None:
        """Put the weights into a new model, before its optimiser and its averages are made."""
        model.audio_encoder.load_state_dict(self.weights)
        model.audio_encoder.requires_grad_(not self.frozen)


def load_initial_audio(path: Path | str, network: NetworkSettings, frozen: bool) -> InitialAudioEncoder:
    """The audio encoder of a sync encoder's export. Raises UserError when the network has another."""
    encoder = load_sync_encoder(path)[0]
    if network.audio_encoder != "conv":
        raise UserError(
            f"a trained audio encoder can stand in for network.audio_encoder conv only, not {network.audio_encoder}."
        )
    for name in ("audio_radius", "audio_channels", "feature_bands"):
        ours, theirs = getattr(network, name), getattr(encoder.settings, name)
        if ours != theirs:
            raise UserError(f"network.{name} is {ours} and the audio encoder in {path} has {theirs}; make them equal.")
    return InitialAudioEncoder(encoder.audio_encoder.state_dict(), sha256_of(path), frozen)
