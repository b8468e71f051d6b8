"""The config block `crop`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import INTERNAL, Share, settings
from dheads_model.faces.align_settings import Framing


@settings("crop")
class CropSettings:
    """The square crop that the model is trained on."""

    size: Annotated[int, Field(ge=32, le=1024, multiple_of=2)] = 128
    """Width and height in pixels."""
    eye_distance: Annotated[float, Field(gt=0, le=1)] = 0.23
    """Distance of the eye centres as a fraction of the width; a smaller value shows more hair and neck."""
    eyes_height: Share = 0.42
    """Distance of the eyes from the top as a fraction of the height."""
    format: Literal["video", "frames"] = "video"
    """H.264 with full colour resolution, or PNG frames (lossless, about ten times larger)."""
    crf: Annotated[int, Field(ge=0, le=51)] = 12
    """x264's constant rate factor; 0 is lossless, 12 visually lossless."""
    framing: Annotated[Framing, INTERNAL] = "aligned"
    """As in AlignSettings. as_distributed takes the whole square of mean-face coordinates and ignores eye_distance and
    eyes_height."""
