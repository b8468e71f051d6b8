"""Sizes of the network and parameterization of the diffusion: the paper's network and a small one differ only in these."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import INTERNAL, Count, CountOrZero, NonNegativeFloat, PositiveFloat, Share, settings
from dheads_model.errors import UserError

PUBLISHED_AUDIO_CHANNELS = 256


@settings("network")
class NetworkSettings:
    """Sizes of the UNet and the audio encoder. The paper's network and the small one differ only in these."""

    image_size: Annotated[int, Field(ge=8, le=4096)] = 64
    """Width and height of the frames in pixels; 128 in the paper."""
    patch: Count = 4
    """Squares of patch x patch pixels become channels at the first layer. 2 makes a forward pass four times cheaper; 1
    in the paper."""
    base_channels: Annotated[int, Field(ge=2)] = 64
    """Channels of the first level; 256 in the paper."""
    channel_multiples: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 1, 1)
    """Channels of each level in multiples of base_channels. Each level has half the size of the previous one; 1 2 3 in
    the paper."""
    residual_blocks: Count = 1
    """Residual blocks per level; 2 in the paper."""
    attention_sizes: tuple[Count, ...] = ()
    """Side lengths of the feature maps with self-attention; the middle block always has it."""
    head_channels: Count = 32
    """Channels of an attention head; 64 in the paper."""
    norm_groups: Count = 8
    """Groups of every group normalisation; 32 in the paper."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout in the residual blocks; 0.1 in the paper."""
    motion_frames: Count = 2
    """Number of motion frames, the frames before the target frame; 2 in the paper."""
    motion_channels: Literal[1, 3] = 1
    """Channels of a motion frame: 1 for grey, 3 for RGB. The paper has grey for LRW, RGB for CREMA."""
    audio_radius: CountOrZero = 2
    """Frames on both sides of the target frame whose audio features are in the audio window; 2 in the paper."""
    audio_channels: Count = 96
    """Channels of the audio embedding of a frame; 256 in the paper."""
    feature_bands: Count = 80
    """Bands of the log filterbank; must equal audio.bands."""
    audio_encoder: Literal["conv", "published", "none"] = "conv"
    """conv: trained with the UNet on the log filterbank. published: the paper's frozen encoder of 0.2 s of audio per
    frame, from the file that published_audio_encoder names (audio_channels 256). none: for imported models only, which
    take embeddings that were computed elsewhere."""
    learned_variance: bool = False
    """Whether the network also predicts the variance, as in the paper (diffusion.parameterization ddpm)."""
    noise_level_input: bool = True
    """Whether the network receives the noise level of the motion frames as an input."""
    audio_norm: bool = True
    """Normalise the hidden units of the MLP behind the audio encoder. Without it they can become permanently zero if
    audio explains little of the frames and the learning rate is high. Not in the paper."""
    lip_reader: bool = True
    """Predict the lip shape from audio features and condition the UNet on it. In training the UNet is conditioned on
    measured lips (docs/training.md). Not in the paper."""
    lip_box: tuple[Share, Share, Share, Share] = (0.55, 0.9, 0.3, 0.7)
    """Box of the lips in an aligned frame, for lip_reader: first and last row, first and last column as fractions of
    the frame."""
    lower_face: tuple[Share, Share, Share, Share] = (0.55, 0.96, 0.3, 0.7)
    """Box of lips and chin in an aligned frame, which conditioning_augmentation.mouth_drop and sampling.hide_mouth blank:
    first and last row, first and last column as fractions of the frame. It must fit crop.eye_distance and
    crop.eyes_height."""
    eye_condition: bool = True
    """Condition the UNet on how far the eyes are closed: measured in training, drawn in sampling
    (sampling.blinks_per_second). Not in the paper."""
    eye_box: tuple[Share, Share, Share, Share] = (0.34, 0.49, 0.3, 0.7)
    """Box of the eyes in an aligned frame, for eye_condition, as lip_box."""
    face_reader: bool = False
    """Train a small network that measures lips and eyes in a frame, for the face loss (training.face_weight). It is not
    used in sampling. Not in the paper."""
    lip_gain: NonNegativeFloat = 1.3
    """Factor on the predicted deviation from the mean lips in generation. Regression underestimates the motion of
    lips."""
    audio_code_channels: Annotated[Count, INTERNAL] = 256
    """Channels of the published encoder's codes before its recurrent layers."""
    time_frequencies: Annotated[Literal["standard", "published"], INTERNAL] = "standard"
    """Frequencies of the time embedding. standard: 1 to 1e-4 radians per step. published: 1 to 0.1 as in the authors'
    code, needed by weights that were trained with it. Set by the run's compat."""

    def __post_init__(self):
        if self.audio_encoder == "published" and self.audio_channels != PUBLISHED_AUDIO_CHANNELS:
            raise UserError(
                f"network.audio_channels must be {PUBLISHED_AUDIO_CHANNELS} with network.audio_encoder published, not "
                f"{self.audio_channels}."
            )
        if self.lip_reader and self.audio_encoder != "conv":
            raise UserError(
                f"network.lip_reader needs filterbank features, which network.audio_encoder {self.audio_encoder} does not "
                "use; set audio_encoder to conv or lip_reader to false."
            )
        if self.face_reader and self.learned_variance:
            raise UserError("network.face_reader needs diffusion.parameterization edm; set it to false for ddpm.")
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
        """Frames in an audio window."""
        return 2 * self.audio_radius + 1

    @property
    def output_channels(self) -> int:
        """Output channels of the network: three of the frame, and as many for a learned variance."""
        return 6 if self.learned_variance else 3


@settings("diffusion")
class DiffusionSettings:
    """Interpretation of the network's output."""

    parameterization: Literal["edm", "ddpm"] = "edm"
    """edm: preconditioned denoiser (Karras et al. 2022). ddpm: the paper's noise prediction on a cosine schedule."""
    sigma_data: PositiveFloat = 0.12
    """Standard deviation of what is denoised, that is, of frames in -1..1 minus residual_to (edm)."""
    residual_to: Literal["zero", "identity"] = "identity"
    """identity: denoise the residual to the identity frame, so that the network predicts changes only. zero: denoise
    the frame itself (edm)."""
    timesteps: Annotated[int, Field(ge=2, le=100000)] = 1000
    """Length of the discrete schedule (ddpm)."""

    def __post_init__(self):
        if self.parameterization == "ddpm" and self.residual_to != "zero":
            raise UserError(
                "diffusion.residual_to identity needs diffusion.parameterization edm; ddpm predicts the noise of a whole image."
            )


PAPER_CREMA = NetworkSettings(
    image_size=128, patch=1, norm_groups=32, audio_channels=256, audio_radius=2, motion_frames=2, feature_bands=80,
    base_channels=256, channel_multiples=(1, 2, 3), residual_blocks=2, attention_sizes=(32,),
    head_channels=64, dropout=0.1, motion_channels=3, learned_variance=True, noise_level_input=False,
    audio_norm=False, lip_reader=False, eye_condition=False,
)  # fmt: skip
"""The released network for CREMA-D: colour motion frames, attention also at 32 pixels (215,748,614 parameters)."""

PAPER_DIFFUSION = DiffusionSettings(parameterization="ddpm", sigma_data=0.5, residual_to="zero")
"""The paper's diffusion: a DDPM of 1000 steps."""
