"""The config block `track`."""

from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import CountOrZero, NonNegativeFloat, PositiveFloat, settings
from dheads_model.errors import UserError


@settings("track")
class TrackSettings:
    """Detection of the face and its 68 landmarks in every frame."""

    backend: Literal["mediapipe", "face-alignment"] = "mediapipe"
    """Landmark detector: MediaPipe's face mesh, whose models are in its wheel, or face-alignment (S3FD and 2DFAN4, the
    paper's choice), whose weights are downloaded. The videos of every method are measured with the same detector, since
    landmark distances between two detectors are not comparable."""
    max_faces: Annotated[int, Field(ge=1, le=10)] = 2
    """Maximum number of faces detected in a frame; the largest one that persists is kept."""
    max_gap_frames: CountOrZero = 12
    """Longest gap without a face that is interpolated; a clip with a longer one is filtered."""
    min_frames: Annotated[int, Field(ge=2)] = 10
    """Clips with fewer source frames are filtered."""
    max_frames: Annotated[int, Field(ge=2)] = 3000
    """Clips with more frames are filtered; frames are those of the file, or 25 per second of its length."""
    min_eye_distance: NonNegativeFloat = 20.0
    """Minimum median distance of the eye centres in source pixels."""
    max_jump: PositiveFloat = 1.0
    """Maximum distance that a face moves between two frames, in eye distances; beyond it, it counts as another face."""
    gpus: Annotated[int, Field(ge=0, le=1)] = 0
    """GPUs per job; only face-alignment uses one."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of face-alignment's landmark network; the 16-bit types are for GPUs."""

    def __post_init__(self):
        if self.min_frames > self.max_frames:
            raise UserError(
                f"config key track.min_frames is {self.min_frames} and track.max_frames {self.max_frames}; no clip could be "
                "kept: raise max_frames."
            )
