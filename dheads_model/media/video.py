"""Decoding video: frames with their times; by decord if it is reliable for the file, else by PyAV.

Times are seconds on the container's clock, which video and audio share. decord numbers frames but does not report the
start of the stream, so times are the packets' time stamps, read with PyAV. decord begins at the first key frame
that it can seek to: in a file without an index (mpg, ts) or cut between key frames this can be half a second late, and
decord then repeats the last frame to reach the frame count.
"""

import contextlib
import io
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.media.container import MediaFacts, open_container, probe, video_stream
from dheads_model.media.decoders import decord_chunks, pyav_chunks, pyav_frames, upright_image

# Bytes of decoded frames per chunk: a chunk of 1080p has fewer frames than one of 360p. Larger chunks are slower.
_CHUNK_BYTES = 12 * 2**20
# FFmpeg's names of the containers with an index, in which decord finds the first frame.
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "avi")
# decord may hold the whole compressed file in memory.
_LARGEST_FOR_DECORD = 128 * 2**20
# It also holds about twenty decoded frames: 0.1 GB at this size, 3 GB at 8000 x 8000 pixels.
_LARGEST_IMAGE_FOR_DECORD = 1920 * 1088
# Containers that state their duration: a file whose packets end this much earlier is truncated.
_STATES_DURATION = ("matroska,webm", "flv")
_MISSING_SECONDS = 0.5
log = logging.getLogger(__name__)


@dataclass
class VideoReader:
    """An opened video: its facts and its decoder.

    decoder: "decord" or "pyav"; it changes to "pyav" when decord's first image is not `first` or decord stops within the
    file, and PyAV decodes the rest. shown: times of the frames, None until they are known (see `times`).
    """

    path: str
    facts: MediaFacts
    shown: np.ndarray | None
    first: np.ndarray
    decoder: str

    def chunks(self) -> Iterator[np.ndarray]:
        """All frames in order as uint8 RGB arrays `[n, H, W, 3]` of bounded size; raises ClipFailed("damaged")."""
        chunk_frames = max(1, min(64, _CHUNK_BYTES // (3 * self.facts.width * self.facts.height)))
        done, times = 0, []
        if self.decoder == "decord":
            try:
                for chunk in decord_chunks(self.path, chunk_frames, len(self.times), self.first):
                    done += len(chunk)
                    yield chunk
            except ClipFailed as failure:
                log.warning("%s: decord stops after frame %d (%s); PyAV takes over", self.path, done, failure.detail)
                self.decoder = "pyav"
        if self.decoder == "pyav":
            for chunk in pyav_chunks(self.path, chunk_frames, skip=done, times=times):
                done += len(chunk)
                yield chunk
        if self.shown is None:
            self.shown = _checked_times(times)
        if done != len(self.shown):
            raise ClipFailed("damaged", f"{done} of {len(self.shown)} frames can be decoded")

    @property
    def times(self) -> np.ndarray:
        """Times of all frames, float64 `[T]`; a file without an index is decoded for them unless `chunks` has finished.

        Raises ClipFailed("damaged") when frames have no time stamps or decoding stops.
        """
        if self.shown is None:
            self.shown = _checked_times(frame.time for frame in pyav_frames(self.path))
        return self.shown

    @property
    def end(self) -> float:
        """Time at which the last frame ends; its duration is assumed to be the median of the others."""
        times, fps = self.times, self.facts.fps
        last = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / fps if fps else 0.0
        return float(times[-1]) + last


def open_video(path: Path | str) -> VideoReader:
    """Open a video for decoding. Raises as `probe`, and ClipFailed("damaged") when no frame can be decoded."""
    facts = probe(path)
    times = _packet_times(path)
    first, turned = _first_image(path)
    facts = replace(facts, height=first.shape[0], width=first.shape[1])
    large = os.path.getsize(path) > _LARGEST_FOR_DECORD or facts.width * facts.height > _LARGEST_IMAGE_FOR_DECORD
    untrusted = not len(times) or turned or large
    shown, decoder = (None, "pyav") if untrusted else (times, "decord")
    return VideoReader(os.path.abspath(path), facts, shown, first, decoder)


def chosen_frames(path: Path | str, numbers: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Frames uint8 RGB `[H, W, 3]` of a video by their numbers `[T]`, ascending; repeated numbers repeat the frame.

    Always by PyAV, whose frames are those of VideoReader: it converts the colours of the requested frames only.
    count: number of frames of the video when they were numbered; the whole video is decoded and counted again, because
    a lost frame would shift all later numbers. Raises ClipFailed("damaged") when the count differs
    or decoding stops, ValueError for numbers that decrease or are outside of the video.
    """
    if np.any(np.diff(numbers) < 0) or (len(numbers) and not 0 <= numbers[0] <= numbers[-1] < count):
        raise ValueError(f"frame numbers must ascend from 0 on and stay below {count}")
    asked = np.bincount(numbers, minlength=count)
    shown = 0
    frames = pyav_frames(path)
    with contextlib.closing(frames):
        for shown, frame in enumerate(frames, start=1):
            if shown > count:
                raise ClipFailed("damaged", f"more than the {count} frames that were numbered are decoded")
            if asked[shown - 1]:
                image = upright_image(frame)
                yield from (image for _ in range(asked[shown - 1]))
    if shown < count:
        raise ClipFailed("damaged", f"{shown} of the {count} frames that were numbered can be decoded")


def decode_video(source: Path | str | bytes) -> np.ndarray:
    """All frames of a short video, from a path or its bytes, uint8 RGB `[T, H, W, 3]`; raises ClipFailed."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    chunks = list(pyav_chunks(opened, 256))
    if not chunks:
        raise ClipFailed("damaged", "no frame can be decoded")
    return np.concatenate(chunks)


def _packet_times(path) -> np.ndarray:
    """Sorted presentation times of the video packets; empty if decord would not decode exactly these frames.

    Raises ClipFailed("damaged") when the file ends well before its stated duration.
    """
    import av

    stamps, end, trusted = [], 0.0, True
    with open_container(path) as container:
        stream = video_stream(container)
        try:
            for packet in container.demux():
                if not packet.size:
                    continue
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == stream.index:
                    # An edit list may hide the first frames, which decord decodes nevertheless.
                    shown_alike = packet.pts is not None and not packet.is_discard
                    trusted = trusted and shown_alike and (bool(stamps) or packet.is_keyframe)
                    stamps.append(packet.pts)
        except av.error.FFmpegError:
            return np.empty(0)
        stated = (container.duration or 0) / av.time_base
        if container.format.name in _STATES_DURATION and end < stated - _MISSING_SECONDS:
            raise ClipFailed("damaged", f"the file is cut short: it holds {end:.1f} of {stated:.1f} seconds")
        if not trusted or container.format.name not in _INDEXED or len(container.streams.video) > 1:
            return np.empty(0)
        times = np.sort(np.asarray(stamps, dtype=np.float64)) * float(stream.time_base)
    return times if np.all(np.diff(times) > 0) else np.empty(0)


def _first_image(path) -> tuple[np.ndarray, bool]:
    """(first image `[H, W, 3]` upright, whether it was rotated); raises ClipFailed("damaged")."""
    frames = pyav_frames(path)
    with contextlib.closing(frames):
        for frame in frames:
            return upright_image(frame), bool(frame.rotation)
    raise ClipFailed("damaged", "no frame can be decoded")


def _checked_times(stamps: Iterable[float | None]) -> np.ndarray:
    """Times float64 `[T]` that do not decrease; raises ClipFailed("damaged") without frames or without their times."""
    times = list(stamps)
    if not times:
        raise ClipFailed("damaged", "no frame can be decoded")
    if any(time is None for time in times):
        raise ClipFailed("damaged", "frames carry no time stamps")
    return np.maximum.accumulate(np.asarray(times, dtype=np.float64))
