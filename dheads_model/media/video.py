"""Decoding video: facts of a file, frames with their times; decord first, PyAV where decord fails or loses frames.

Times are seconds on the container's clock, which picture and sound share. decord numbers frames but forgets where the
stream starts, so times come from the packets' own time stamps, read with PyAV.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered

# Decoded pictures that are held at once: a chunk of 1080p has fewer frames than one of 360p.
_CHUNK_BYTES = 48 * 2**20


@dataclass(frozen=True)
class MediaFacts:
    """What the container says. Times and durations in seconds; sound fields are None without a sound track."""

    width: int
    height: int
    fps: float
    duration: float
    video_codec: str
    video_start: float
    audio_codec: str | None
    audio_start: float | None
    audio_rate: int | None
    audio_channels: int | None


@dataclass(frozen=True)
class VideoReader:
    """An opened video: its facts, `times` float64 `[T]` of all frames, and which decoder serves them."""

    path: str
    facts: MediaFacts
    times: np.ndarray
    frame_seconds: float
    decoder: str

    def chunks(self) -> Iterator[np.ndarray]:
        """All frames in order as uint8 RGB arrays `[n, H, W, 3]` of bounded size; raises ClipFailed("damaged")."""
        source = _decord_chunks if self.decoder == "decord" else _pyav_chunks
        chunk_frames = max(1, min(64, _CHUNK_BYTES // (3 * self.facts.width * self.facts.height)))
        count = 0
        for chunk in source(self.path, chunk_frames):
            count += len(chunk)
            yield chunk
        if count != len(self.times):
            raise ClipFailed("damaged", f"{count} of {len(self.times)} frames can be decoded")

    @property
    def end(self) -> float:
        """Time at which the last frame ends."""
        return float(self.times[-1]) + self.frame_seconds


def probe(path: Path | str) -> MediaFacts:
    """Facts of a media file; raises ClipFailed (missing_file, unreadable) and ClipFiltered("no_video")."""
    with _opened(path) as container:
        if not _has_picture(container):
            raise ClipFiltered("no_video", "the file has no picture track")
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        rate = video.average_rate or video.guessed_rate or video.base_rate
        return MediaFacts(
            width=video.codec_context.width,
            height=video.codec_context.height,
            fps=round(float(rate), 4) if rate else 0.0,
            duration=round(float(container.duration or 0) / 1e6, 3),
            video_codec=video.codec_context.name,
            video_start=_start(video),
            audio_codec=audio.codec_context.name if audio else None,
            audio_start=_start(audio) if audio else None,
            audio_rate=audio.codec_context.sample_rate if audio else None,
            audio_channels=audio.codec_context.channels if audio else None,
        )


def open_video(path: Path | str) -> VideoReader:
    """Open a video for decoding. Raises as `probe`, and ClipFailed("damaged") when no frame can be decoded."""
    facts = probe(path)
    times = _packet_times(path)
    if len(times) and not _rotation(path) and _decord_agrees(path, len(times)):
        return VideoReader(str(path), facts, times, _frame_seconds(times, facts), "decord")
    times = _decoded_times(path)
    return VideoReader(str(path), facts, times, _frame_seconds(times, facts), "pyav")


def decode_video(source: Path | str | bytes) -> np.ndarray:
    """All frames of a short video, from a path or its bytes, uint8 RGB `[T, H, W, 3]`; raises ClipFailed."""
    import io

    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    chunks = list(_pyav_chunks(opened, 256))
    if not chunks:
        raise ClipFailed("damaged", "no frame can be decoded")
    return np.concatenate(chunks)


@contextlib.contextmanager
def _opened(source):
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        container = av.open(os.fspath(source) if isinstance(source, Path) else source, metadata_errors="ignore")
    except FileNotFoundError as problem:
        raise ClipFailed("missing_file", f"{source} is not there") from problem
    except (av.error.FFmpegError, OSError) as problem:
        if getattr(problem, "errno", None) in (errno.EMFILE, errno.ENFILE):
            raise
        raise ClipFailed("unreadable", str(problem)) from problem
    with container:
        yield container


def _has_picture(container) -> bool:
    """Cover art of a sound file is a picture track too, and not a video."""
    return any(not stream.disposition & stream.disposition.attached_pic for stream in container.streams.video)


def _start(stream) -> float:
    return float((stream.start_time or 0) * stream.time_base)


def _packet_times(path) -> np.ndarray:
    """Sorted presentation times of the video packets; empty where they do not tell the frames that will be shown."""
    import av

    with _opened(path) as container:
        stream = container.streams.video[0]
        try:
            packets = [packet for packet in container.demux(stream) if packet.size]
        except av.error.FFmpegError:
            return np.empty(0)
        # An edit list may hide the first frames, which decord shows all the same.
        if any(packet.is_discard or packet.pts is None for packet in packets):
            return np.empty(0)
        times = np.sort(np.asarray([packet.pts for packet in packets], dtype=np.float64)) * float(stream.time_base)
    return times if np.all(np.diff(times) > 0) else np.empty(0)


def _rotation(path) -> int:
    """Turn in degrees that the first frame asks for, a multiple of 90."""
    import av

    with _opened(path) as container:
        try:
            for frame in container.decode(video=0):
                return int(frame.rotation or 0)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"no frame can be decoded: {problem}") from problem
    raise ClipFailed("damaged", "no frame can be decoded")


def _decord_agrees(path, frames: int) -> bool:
    """Whether decord opens the file, counts the same frames and reaches the last one."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(os.fspath(path), num_threads=1)
        return len(reader) == frames and reader[frames - 1] is not None
    except (RuntimeError, decord.DECORDError, IndexError, StopIteration):
        return False


def _decord_chunks(path: str, chunk_frames: int) -> Iterator[np.ndarray]:
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(path, num_threads=1)
        for start in range(0, len(reader), chunk_frames):
            yield np.stack([reader.next().asnumpy() for _ in range(min(chunk_frames, len(reader) - start))])
    except (RuntimeError, decord.DECORDError, StopIteration) as problem:
        raise ClipFailed("damaged", f"decoding stops: {problem}".splitlines()[0]) from problem


def _pyav_chunks(source, chunk_frames: int) -> Iterator[np.ndarray]:
    waiting: list[np.ndarray] = []
    for frame in _pyav_frames(source):
        turns = round((frame.rotation or 0) / 90) % 4
        picture = frame.to_ndarray(format="rgb24")
        if waiting and picture.shape != waiting[0].shape and not turns % 2:
            raise ClipFailed("damaged", "the picture size changes inside the file")
        waiting.append(np.rot90(picture, turns) if turns else picture)
        if len(waiting) == chunk_frames:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def _pyav_frames(source):
    import av

    with _opened(source) as container:
        if not container.streams.video:
            raise ClipFiltered("no_video", "the file has no picture track")
        container.streams.video[0].thread_type = "NONE"
        try:
            yield from container.decode(video=0)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"decoding stops: {problem}") from problem


def _decoded_times(path) -> np.ndarray:
    times = [frame.time for frame in _pyav_frames(path)]
    if not times:
        raise ClipFailed("damaged", "no frame can be decoded")
    if any(time is None for time in times):
        raise ClipFailed("damaged", "frames carry no time stamps")
    return np.maximum.accumulate(np.asarray(times, dtype=np.float64))


def _frame_seconds(times: np.ndarray, facts: MediaFacts) -> float:
    """How long the last frame is taken to last: the median distance of frames."""
    if len(times) > 1:
        return float(np.median(np.diff(times)))
    return 1.0 / facts.fps if facts.fps else 0.0
