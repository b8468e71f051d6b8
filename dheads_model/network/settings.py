"""All sizes of the network: the paper's and the small one differ in these numbers only."""

from dataclasses import dataclass

from dheads_model.errors import UserError


@dataclass(frozen=True)
class NetworkSettings:
    """The config block `network` of a run; the schema describes each key."""

    image_size: int
    patch: int
    base_channels: int
    channel_multiples: tuple[int, ...]
    residual_blocks: int
    attention_sizes: tuple[int, ...]
    head_channels: int
    norm_groups: int
    dropout: float
    motion_frames: int
    motion_channels: int
    audio_radius: int
    audio_channels: int
    motion_noise_input: bool = False
    learned_variance: bool = False
    time_frequencies: str = "standard"
    feature_bands: int = 80

    def __post_init__(self):
        smallest = self.image_size / self.patch / 2 ** (len(self.channel_multiples) - 1)
        if smallest != int(smallest) or smallest < 1:
            raise UserError(
                f"network.image_size {self.image_size} cannot be halved {len(self.channel_multiples) - 1} times after "
                f"patches of {self.patch}; choose a multiple of {self.patch * 2 ** (len(self.channel_multiples) - 1)}."
            )
        for multiple in self.channel_multiples:
            if self.base_channels * multiple % self.norm_groups or self.base_channels * multiple % self.head_channels:
                raise UserError(
                    f"network.base_channels x {multiple} = {self.base_channels * multiple} must be a multiple of "
                    f"norm_groups ({self.norm_groups}) and head_channels ({self.head_channels})."
                )
        if self.motion_channels not in (1, 3):
            raise UserError(f"network.motion_channels is {self.motion_channels}; it must be 1 (grey) or 3 (RGB).")
        if self.time_frequencies not in ("standard", "published"):
            raise UserError(f"network.time_frequencies is {self.time_frequencies}; it must be standard or published.")

    @property
    def audio_frames(self) -> int:
        """Video frames whose sound the model hears: the target's and audio_radius on both sides."""
        return 2 * self.audio_radius + 1

    @property
    def output_channels(self) -> int:
        """3, or 6 with a learned variance."""
        return 6 if self.learned_variance else 3
