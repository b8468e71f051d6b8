"""Sizes of the network and the form of the diffusion: the paper's network and a small one differ in these only."""

import math
from dataclasses import dataclass

from dheads_model.errors import UserError

AUDIO_ENCODERS = ("conv", "published", "none")
PUBLISHED_AUDIO_CHANNELS = 256
TIME_FREQUENCIES = ("standard", "published")
PARAMETERIZATIONS = ("edm", "ddpm")
RESIDUAL_TO = ("zero", "identity")
_LARGEST_IMAGE = 4096
_MOST_TIMESTEPS = 100_000


@dataclass(frozen=True)
class NetworkSettings:
    """The UNet and its audio encoder (paper, section 5.1 and figure 2; defaults are the paper's unless said otherwise).

    image_size: pixels a side. base_channels, channel_multiples: width of each level, every level half the size of the
    one before. residual_blocks: per level. attention_sizes: sides in pixels of the feature maps that have attention;
    the middle always has it. head_channels: channels of an attention head. patch: side of the pixel squares that the
    first layer folds into channels; 1 is the paper's, 2 makes a pass about four times cheaper. norm_groups: groups of
    each group normalisation. motion_channels: 1 for grey motion frames, 3 for colour. audio_radius: frames of sound on
    each side of the target. audio_channels: width of a frame's sound embedding. audio_encoder: "conv" learns it from
    filterbank features; "published" has the frozen encoder of `published_audio_encoder` in it, which hears a clip from
    its beginning; "none" takes embeddings that were made elsewhere. audio_code_channels: width of that encoder's codes
    before its recurrent layers. learned_variance: three more output channels
    (DDPM only). time_frequencies: "standard" spans 1 to 1e-4 radians a step; "published" is what the authors' code
    does, 1 to 0.1, and what weights trained with it need. noise_level_input: the network is told how noisy its motion
    frames were made. audio_norm: normalise the hidden units of the perceptron that takes the sound, which die else where
    sound tells little and the rate is high. lip_reader: predict the shape of the lips from the sound and tell it to the
    UNet (`lip_reader.py`); lip_gain: how far a predicted deviation from the mean lips is magnified; lip_box: where in an
    aligned frame the mouth is, first and last row, first and last column as fractions. Raises UserError for sizes that do
    not fit together.
    """

    image_size: int
    base_channels: int
    channel_multiples: tuple[int, ...]
    residual_blocks: int
    attention_sizes: tuple[int, ...]
    head_channels: int
    patch: int = 1
    norm_groups: int = 32
    dropout: float = 0.0
    motion_frames: int = 2
    motion_channels: int = 1
    audio_radius: int = 2
    audio_channels: int = 256
    feature_bands: int = 80
    audio_encoder: str = "conv"
    audio_code_channels: int = 256
    learned_variance: bool = False
    time_frequencies: str = "standard"
    noise_level_input: bool = True
    audio_norm: bool = False
    lip_reader: bool = False
    lip_gain: float = 1.0
    lip_box: tuple[float, float, float, float] = (0.55, 0.9, 0.3, 0.7)

    def __post_init__(self):
        _choose("audio_encoder", self.audio_encoder, AUDIO_ENCODERS)
        _choose("time_frequencies", self.time_frequencies, TIME_FREQUENCIES)
        _choose("motion_channels", self.motion_channels, (1, 3))
        for name in ("image_size", "base_channels", "residual_blocks", "head_channels", "patch", "norm_groups",
                     "motion_frames", "audio_channels", "feature_bands", "audio_code_channels"):  # fmt: skip
            if getattr(self, name) < 1:
                raise UserError(f"network.{name} must be at least 1, not {getattr(self, name)}.")
        if self.image_size > _LARGEST_IMAGE:
            raise UserError(f"network.image_size must be at most {_LARGEST_IMAGE}, not {self.image_size}.")
        if self.audio_encoder == "published" and self.audio_channels != PUBLISHED_AUDIO_CHANNELS:
            raise UserError(
                f"network.audio_channels must be {PUBLISHED_AUDIO_CHANNELS} with network.audio_encoder published, not "
                f"{self.audio_channels}."
            )
        if self.lip_reader and self.audio_encoder != "conv":
            raise UserError(
                f"network.lip_reader hears filterbank features, which network.audio_encoder {self.audio_encoder} does not "
                "have; set audio_encoder to conv or lip_reader to false."
            )
        if self.audio_radius < 0 or not 0 <= self.dropout < 1:
            raise UserError("network.audio_radius must not be negative and network.dropout must lie in [0, 1).")
        if not self.channel_multiples or min(self.channel_multiples) < 1:
            raise UserError("network.channel_multiples needs at least one level, each at least 1.")
        step = self.patch * 2 ** (len(self.channel_multiples) - 1)
        if self.image_size % step:
            raise UserError(
                f"network.image_size {self.image_size} must be a multiple of {step}: patch {self.patch} times "
                f"2 for each of the {len(self.channel_multiples) - 1} halvings of channel_multiples."
            )
        if self.base_channels % 2:
            raise UserError(f"network.base_channels must be even, not {self.base_channels}.")
        for size in self.attention_sizes:
            if size not in self.level_sizes:
                raise UserError(
                    f"network.attention_sizes holds {size}, but the feature maps have sides "
                    f"{', '.join(map(str, self.level_sizes))} (image_size {self.image_size}, patch {self.patch})."
                )
        for level, (size, channels) in enumerate(zip(self.level_sizes, self.level_channels, strict=True)):
            if channels % self.norm_groups:
                raise UserError(f"network.norm_groups {self.norm_groups} must divide {channels} channels.")
            attends = size in self.attention_sizes or level == len(self.channel_multiples) - 1
            if attends and channels % self.head_channels:
                raise UserError(
                    f"network.head_channels {self.head_channels} must divide the {channels} channels where the "
                    f"feature map is {size} pixels wide."
                )

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Side of the feature maps at each level, in pixels."""
        return tuple(self.image_size // self.patch // 2**level for level in range(len(self.channel_multiples)))

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels at each level."""
        return tuple(self.base_channels * multiple for multiple in self.channel_multiples)

    @property
    def embedding_channels(self) -> int:
        """Width of the time and the audio embedding."""
        return 4 * self.base_channels

    @property
    def audio_frames(self) -> int:
        """Video frames in a window of sound."""
        return 2 * self.audio_radius + 1

    @property
    def output_channels(self) -> int:
        """Channels that the network returns: the picture's three, and as many for a learned variance."""
        return 6 if self.learned_variance else 3


@dataclass(frozen=True)
class DiffusionSettings:
    """How the network's output is read. parameterization: "edm" (preconditioned, Karras et al. 2022) or "ddpm" (the paper's: noise
    prediction on a cosine schedule). sigma_data: standard deviation of what is predicted,
    in [-1, 1] (EDM). residual_to: "zero", or "identity": the network predicts the residual to the identity frame instead
    of the whole image (EDM). timesteps: length of the discrete schedule (DDPM)."""

    parameterization: str = "edm"
    sigma_data: float = 0.5
    residual_to: str = "zero"
    timesteps: int = 1000

    def __post_init__(self):
        _choose("parameterization", self.parameterization, PARAMETERIZATIONS, block="diffusion")
        _choose("residual_to", self.residual_to, RESIDUAL_TO, block="diffusion")
        if self.parameterization == "ddpm" and self.residual_to != "zero":
            raise UserError(
                "diffusion.residual_to identity needs diffusion.parameterization edm; ddpm predicts the noise of a whole image."
            )
        if not 0 < self.sigma_data < math.inf:
            raise UserError(f"diffusion.sigma_data must be positive, not {self.sigma_data}.")
        if not 2 <= self.timesteps <= _MOST_TIMESTEPS:
            raise UserError(f"diffusion.timesteps must lie between 2 and {_MOST_TIMESTEPS}, not {self.timesteps}.")


def _choose(name: str, value, options: tuple, block: str = "network") -> None:
    if value not in options:
        raise UserError(f"{block}.{name} must be one of {', '.join(map(str, options))}, not {value!r}.")


PAPER_CREMA = NetworkSettings(
    image_size=128, base_channels=256, channel_multiples=(1, 2, 3), residual_blocks=2, attention_sizes=(32,),
    head_channels=64, dropout=0.1, motion_channels=3, learned_variance=True, noise_level_input=False,
)  # fmt: skip
"""The released network for CREMA-D: colour motion frames, attention also at 32 pixels (215,748,614 parameters)."""
