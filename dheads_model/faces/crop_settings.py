"""The config block `crop`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import INTERNAL, Share, settings
from dheads_model.faces.align_settings import Framing


@settings("crop")
class CropSettings:
    """The square picture that the model learns from."""

    size: Annotated[int, Field(ge=32, le=1024, multiple_of=2)] = 128
    """Width and height in pixels."""
    eye_distance: Annotated[float, Field(gt=0, le=1)] = 0.23
    """Distance of the eye centres as a share of the width; smaller shows more hair and neck."""
    eyes_height: Share = 0.42
    """Height of the eyes from the top as a share of the height."""
    format: Literal["video", "frames"] = "video"
    """H.264 with full colour resolution, or PNG frames (lossless, about ten times larger)."""
    crf: Annotated[int, Field(ge=0, le=51)] = 12
    """x264's constant rate factor; 0 is lossless, 12 visually so."""
    framing: Annotated[Framing, INTERNAL] = "aligned"
    """As in AlignSettings; as_distributed takes the square of mean-face coordinates whole, whatever eye_distance and
    eyes_height say."""
