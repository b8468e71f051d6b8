"""The config block `align`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import INTERNAL, settings

Framing = Literal["aligned", "as_distributed"]


@settings("align")
class AlignSettings:
    """Similarity transforms to the mean face, at 25 frames per second."""

    window: Annotated[int, Field(ge=1, le=101)] = 7
    """Frames over which the stable landmarks are averaged."""
    direction: Literal["symmetric", "forward"] = "symmetric"
    """symmetric: a window centred on the frame. forward: a window that starts at it, as in the published
    preparation."""
    framing: Annotated[Framing, INTERNAL] = "aligned"
    """aligned: align to the mean face. as_distributed: take the whole image of a corpus that is already cropped around
    the face."""
