"""The config block `track`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import CountOrZero, NonNegativeFloat, PositiveFloat, settings
from dheads_model.errors import UserError


@settings("track")
class TrackSettings:
    """Finding the face and its 68 landmarks in every frame."""

    backend: Literal["mediapipe", "face-alignment"] = "mediapipe"
    """Landmark back end: MediaPipe's face mesh, whose models come with its wheel, or face-alignment (S3FD and 2DFAN4,
    the paper's choice), whose weights are fetched. The videos of every method are measured with it too, since a
    landmark distance between two detectors says little."""
    max_faces: Annotated[int, Field(ge=1, le=10)] = 2
    """Faces looked for in a frame; the one that persists and is largest is kept."""
    max_gap_frames: CountOrZero = 12
    """Longest run of frames without the face that is interpolated; a longer one filters the clip."""
    min_frames: Annotated[int, Field(ge=2)] = 10
    """Clips with fewer source frames are filtered."""
    max_frames: Annotated[int, Field(ge=2)] = 3000
    """Clips with more frames are filtered, counted as in the file or as 25 a second of its length."""
    min_eye_distance: NonNegativeFloat = 20.0
    """Smallest median distance of the eye centres in source pixels."""
    max_jump: PositiveFloat = 1.0
    """How far a face may move from frame to frame, in eye distances; farther is another face."""
    gpus: Annotated[int, Field(ge=0, le=1)] = 0
    """GPUs of a job; only face-alignment has a use for one."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of face-alignment's landmark network; the short ones are for GPUs."""

    def __post_init__(self):
        if self.min_frames > self.max_frames:
            raise UserError(
                f"config key track.min_frames is {self.min_frames} and track.max_frames {self.max_frames}; no clip could be "
                "kept: raise max_frames."
            )
