"""The config block `align`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import INTERNAL, settings

Framing = Literal["aligned", "as_distributed"]


@settings("align")
class AlignSettings:
    """Similarity transforms to the mean face, on a clock of 25 frames a second."""

    window: Annotated[int, Field(ge=1, le=101)] = 7
    """Frames over which the stable points are averaged."""
    direction: Literal["symmetric", "forward"] = "symmetric"
    """Window around each frame, or from it on as the published preparation does."""
    framing: Annotated[Framing, INTERNAL] = "aligned"
    """Align to the mean face, or take the whole picture of a corpus that was cropped around the face already."""
