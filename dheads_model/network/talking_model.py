"""What is trained and exported: the audio encoder and the UNet."""

from torch import nn

from dheads_model.network.audio_encoder import AudioEncoder
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.unet import UNet


class TalkingModel(nn.Module):
    """Audio encoder and UNet of one set of sizes."""

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        self.settings = settings
        self.audio_encoder = AudioEncoder(settings)
        self.unet = UNet(settings)

    def parameter_count(self) -> int:
        """Number of trained values."""
        return sum(parameter.numel() for parameter in self.parameters())
