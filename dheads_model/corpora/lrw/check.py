"""Check of a clip of LRW: 29 frames at 25 frames/s, with audio."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.corpora.lrw.layout import CLIP_FRAMES
from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.media.audio import load_speech, read_audio
from dheads_model.media.clock import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME
from dheads_model.media.video import VideoReader, open_video

CLIP_SAMPLES = CLIP_FRAMES * SAMPLES_PER_FRAME
# A track may lack its last AAC block; more missing samples are missing speech.
_LARGEST_GAP_SAMPLES = 1024
# Containers round times to milliseconds.
_TIME_TOLERANCE_SECONDS = 0.002


@dataclass(frozen=True)
class ClipFacts:
    """Decoded sizes. frames is 29, samples (at 16 kHz, mono, from the first frame on) is 18,560.

    start: time of the first frame in seconds. decoded_samples: length of the whole audio track, mostly 19,456, because
    AAC has blocks of 1,024. padded_samples: number of the 18,560 samples that the track lacks; they are zeros.
    """

    frames: int
    samples: int
    width: int
    height: int
    start: float
    decoded_samples: int
    padded_samples: int


def check_clip(path: Path | str) -> ClipFacts:
    """Decode a whole clip and check it; the audio is cut to 18,560 samples from the first frame on.

    Raises ClipFiltered: no_video, no_audio, too_short (fewer than 29 frames), too_long (more). Raises ClipFailed:
    missing_file, unreadable, damaged (decoding stops, or more than 64 ms of audio are missing), source_changed (29
    frames, but not at 25 frames/s: not a clip as published).
    """
    video = open_video(path)
    if video.facts.audio_codec is None:
        raise ClipFiltered("no_audio", f"{Path(path).name} has no audio track")
    if len(video.times) != CLIP_FRAMES:
        reason = "too_short" if len(video.times) < CLIP_FRAMES else "too_long"
        raise ClipFiltered(reason, f"{Path(path).name} has {len(video.times)} frames, a clip of LRW {CLIP_FRAMES}")
    _check_rate(video)
    frames = sum(len(chunk) for chunk in video.chunks())
    start = float(video.times[0])
    sound = read_audio(path, start, CLIP_FRAMES)
    whole = len(load_speech(path))
    first = round((video.facts.audio_start - start) * SAMPLE_RATE)
    padded = CLIP_SAMPLES - max(0, min(first + whole, CLIP_SAMPLES) - max(first, 0))
    if padded > _LARGEST_GAP_SAMPLES:
        raise ClipFailed("damaged", f"{Path(path).name} has no audio for {padded} of its {CLIP_SAMPLES} samples")
    return ClipFacts(frames, len(sound), video.facts.width, video.facts.height, start, whole, padded)


def _check_rate(video: VideoReader) -> None:
    expected = video.times[0] + np.arange(CLIP_FRAMES) / FRAMES_PER_SECOND
    if np.abs(video.times - expected).max() > _TIME_TOLERANCE_SECONDS:
        name = Path(video.path).name
        raise ClipFailed("source_changed", f"the frames of {name} are not at {FRAMES_PER_SECOND} frames per second")
