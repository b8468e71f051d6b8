"""Videos of other programs, converted to the frame rate and length of a clip."""

from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.media.clock import FRAMES_PER_SECOND, nearest_frames
from dheads_model.media.video import open_video

# Number of frames that many methods drop at the end of a clip, because no audio follows.
MOST_MISSING = 5


def fit_video(path: Path | str, count: int) -> tuple[np.ndarray, dict]:
    """(frames uint8 RGB `[count, S, S, 3]` of a video, facts about the conversion).

    Its first frame is the clip's first. The others are the nearest in time on a clock of 25 frames/s, whatever its frame
    rate. A longer video is cut; the last frame of a shorter one is repeated, at most MOST_MISSING times. Raises
    ClipFailed for one that is shorter, not square (it must show the same crop as the clip) or cannot be decoded.
    """
    video = open_video(path)
    if video.facts.width != video.facts.height:
        raise ClipFailed(
            "damaged",
            f"{path} is {video.facts.width} x {video.facts.height}; it must show what the clip's crop shows, a square",
        )
    frames, times = np.concatenate(list(video.chunks())), video.times
    wanted = times[0] + np.arange(count) / FRAMES_PER_SECOND
    # A frame of the clock exists if it begins before the end of the video.
    there = int((wanted < video.end - 0.5 / FRAMES_PER_SECOND).sum())
    if there < count - MOST_MISSING:
        raise ClipFailed("damaged", f"{path} lasts {there} frames at 25 frames per second, the clip {count}")
    facts = {"source_fps": video.facts.fps, "source_size": video.facts.width, "repeated": count - there}
    return frames[nearest_frames(times, wanted)], facts
