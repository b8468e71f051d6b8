"""Videos that other programs made, brought to the frames of a clip by a stated rule."""

from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.media.clock import FRAMES_PER_SECOND, nearest_frames
from dheads_model.media.video import open_video

# Frames that many methods drop at the end of a clip, for want of sound after it.
MOST_MISSING = 5


def fit_video(path: Path | str, count: int) -> tuple[np.ndarray, dict]:
    """(frames uint8 RGB `[count, S, S, 3]` of a video, what was done to it).

    Its first frame is the clip's first. Those after it are the nearest in time on a clock of 25 frames a second, whatever
    its frame rate. A longer video is cut; of a shorter one the last frame is repeated, MOST_MISSING times at most. Raises
    ClipFailed for one that is shorter, not square (it must show what the clip's crop shows) or cannot be decoded.
    """
    video = open_video(path)
    if video.facts.width != video.facts.height:
        raise ClipFailed(
            "damaged",
            f"{path} is {video.facts.width} x {video.facts.height}; it must show what the clip's crop shows, a square",
        )
    frames, times = np.concatenate(list(video.chunks())), video.times
    wanted = times[0] + np.arange(count) / FRAMES_PER_SECOND
    # A frame of the clock is there when it begins before the video ends.
    there = int((wanted < video.end - 0.5 / FRAMES_PER_SECOND).sum())
    if there < count - MOST_MISSING:
        raise ClipFailed("damaged", f"{path} lasts {there} frames of 25 a second, the clip {count}")
    facts = {"source_fps": video.facts.fps, "source_size": video.facts.width, "repeated": count - there}
    return frames[nearest_frames(times, wanted)], facts
