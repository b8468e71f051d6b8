"""Decoding video: facts of a file, frames with their times; decord first, PyAV where decord cannot be trusted.

Times are seconds on the container's clock, which picture and sound share. decord numbers frames but forgets where the
stream starts, so times come from the packets' own time stamps, read with PyAV. decord begins at the first key frame
that it can seek to: in a file without an index (mpg, ts) or cut between key frames that may be half a second late,
while it makes up for the count by repeating the last frame.
"""

import contextlib
import errno
import io
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered

# Decoded pictures that are held at once: a chunk of 1080p has fewer frames than one of 360p. Larger ones are slower.
_CHUNK_BYTES = 12 * 2**20
# FFmpeg's names of the containers with an index, in which decord finds the first frame.
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "avi")
# decord may hold the whole compressed file in memory.
_LARGEST_FOR_DECORD = 128 * 2**20
# Containers that state their duration ahead: one whose packets end this much earlier was cut short.
_STATES_DURATION = ("matroska,webm", "flv")
_MISSING_SECONDS = 0.5
# Both decoders give the same picture, up to the rounding of their colour conversion.
_SAME_PICTURE_LEVELS = 1.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MediaFacts:
    """What the container says. Times and durations in seconds; sound fields are None without a sound track.

    width, height: as stored; of an opened VideoReader as shown, after the turn that a phone's recording asks for.
    """

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


@dataclass
class VideoReader:
    """An opened video: its facts, and which decoder serves its frames.

    decoder: "decord" or "pyav"; it turns to "pyav" when decord does not begin with `first`, the first picture, or stops
    within the file, and PyAV takes over. shown: times of the frames, None until they are known (see `times`).
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
                for chunk in _decord_chunks(self.path, chunk_frames, len(self.times), self.first):
                    done += len(chunk)
                    yield chunk
            except ClipFailed as failure:
                log.warning("%s: decord stops after frame %d (%s); PyAV takes over", self.path, done, failure.detail)
                self.decoder = "pyav"
        if self.decoder == "pyav":
            for chunk in _pyav_chunks(self.path, chunk_frames, skip=done, times=times):
                done += len(chunk)
                yield chunk
        if self.shown is None:
            self.shown = _checked_times(times)
        if done != len(self.shown):
            raise ClipFailed("damaged", f"{done} of {len(self.shown)} frames can be decoded")

    @property
    def times(self) -> np.ndarray:
        """Times of all frames, float64 `[T]`; before `chunks` is through, a file without an index is decoded for them.

        Raises ClipFailed("damaged") when frames carry no time stamps or decoding stops.
        """
        if self.shown is None:
            self.shown = _checked_times(frame.time for frame in _pyav_frames(self.path))
        return self.shown

    @property
    def end(self) -> float:
        """Time at which the last frame ends: it is taken to last for the median distance of frames."""
        times, fps = self.times, self.facts.fps
        last = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / fps if fps else 0.0
        return float(times[-1]) + last


def probe(path: Path | str) -> MediaFacts:
    """Facts of a media file; raises ClipFailed (missing_file, unreadable) and ClipFiltered("no_video")."""
    with _opened(path) as container:
        video = _picture_stream(container)
        audio = container.streams.audio[0] if container.streams.audio else None
        for stream in (video, audio):
            if stream is not None and stream.codec_context is None:
                raise ClipFailed("unreadable", f"there is no decoder for the {stream.type} track")
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
    first, turned = _first_picture(path)
    facts = replace(facts, height=first.shape[0], width=first.shape[1])
    untrusted = not len(times) or turned or os.path.getsize(path) > _LARGEST_FOR_DECORD
    shown, decoder = (None, "pyav") if untrusted else (times, "decord")
    return VideoReader(os.path.abspath(path), facts, shown, first, decoder)


def chosen_frames(path: Path | str, numbers: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Frames uint8 RGB `[H, W, 3]` of a video by their numbers `[T]`, ascending; one asked for twice comes twice.

    By PyAV alone, whose frames are those of VideoReader: it need not convert the colours of those that nobody wants.
    count: how many frames the video had when they were numbered; the whole is decoded and counted again, since one
    that is lost on the way would shift the numbers of all after it. Raises ClipFailed("damaged") when the count differs
    or decoding stops, ValueError for numbers that decrease or lie outside of the video.
    """
    if np.any(np.diff(numbers) < 0) or (len(numbers) and not 0 <= numbers[0] <= numbers[-1] < count):
        raise ValueError(f"frame numbers must ascend from 0 on and stay below {count}")
    asked = np.bincount(numbers, minlength=count)
    shown = 0
    frames = _pyav_frames(path)
    with contextlib.closing(frames):
        for shown, frame in enumerate(frames, start=1):
            if shown > count:
                raise ClipFailed("damaged", f"more than the {count} frames that were numbered are decoded")
            if asked[shown - 1]:
                picture = _picture(frame)
                yield from (picture for _ in range(asked[shown - 1]))
    if shown < count:
        raise ClipFailed("damaged", f"{shown} of the {count} frames that were numbered can be decoded")


def decode_video(source: Path | str | bytes) -> np.ndarray:
    """All frames of a short video, from a path or its bytes, uint8 RGB `[T, H, W, 3]`; raises ClipFailed."""
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
        # Absolute, since FFmpeg takes what stands before a colon for a protocol.
        opened = source if isinstance(source, io.BytesIO) else os.path.abspath(source)
        container = av.open(opened, metadata_errors="ignore")
    except FileNotFoundError as problem:
        raise ClipFailed("missing_file", f"{source} is not there") from problem
    except (av.error.FFmpegError, OSError) as problem:
        if getattr(problem, "errno", None) in (errno.EMFILE, errno.ENFILE):
            raise
        raise ClipFailed("unreadable", str(problem)) from problem
    with container:
        try:
            yield container
        except IndexError as problem:
            # PyAV's, at the end of a file in which FFmpeg found a stream that was not there when it was opened.
            raise ClipFailed("damaged", "a packet in the middle of the file belongs to no track") from problem


def _picture_stream(container):
    """The first video stream that is no cover art, which sound files carry as one; raises ClipFiltered("no_video")."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise ClipFiltered("no_video", "the file has no picture track")


def _start(stream) -> float:
    return float((stream.start_time or 0) * stream.time_base)


def _packet_times(path) -> np.ndarray:
    """Sorted presentation times of the video packets; empty where decord would not show just these frames.

    Raises ClipFailed("damaged") when the file ends well before the duration that it states.
    """
    import av

    stamps, end, trusted = [], 0.0, True
    with _opened(path) as container:
        stream = _picture_stream(container)
        try:
            for packet in container.demux():
                if not packet.size:
                    continue
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == stream.index:
                    # An edit list may hide the first frames, which decord shows all the same.
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


def _first_picture(path) -> tuple[np.ndarray, bool]:
    """(first picture `[H, W, 3]` as shown, whether it had to be turned); raises ClipFailed("damaged")."""
    frames = _pyav_frames(path)
    with contextlib.closing(frames):
        for frame in frames:
            return _picture(frame), bool(frame.rotation)
    raise ClipFailed("damaged", "no frame can be decoded")


def _decord_chunks(path: str, chunk_frames: int, count: int, first: np.ndarray) -> Iterator[np.ndarray]:
    """Chunks of all frames; raises ClipFailed unless decord counts `count` of them and begins with `first`."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(path, num_threads=1)
        if len(reader) != count:
            raise ClipFailed("damaged", f"decord counts {len(reader)} frames, there are {count} packets")
        for start in range(0, count, chunk_frames):
            chunk = np.empty((min(chunk_frames, count - start), *first.shape), dtype=np.uint8)
            for index in range(len(chunk)):
                picture = reader.next().asnumpy()
                if picture.shape != first.shape or (start + index == 0 and not _alike(picture, first)):
                    raise ClipFailed("damaged", f"decord shows another picture as frame {start + index}")
                chunk[index] = picture
            yield chunk
    except (RuntimeError, decord.DECORDError, StopIteration) as problem:
        raise ClipFailed("damaged", f"decoding stops: {problem}".splitlines()[0]) from problem


def _alike(picture: np.ndarray, other: np.ndarray) -> bool:
    return float(np.abs(picture.astype(np.int16) - other).mean()) <= _SAME_PICTURE_LEVELS


def _pyav_chunks(source, chunk_frames: int, skip: int = 0, times: list | None = None) -> Iterator[np.ndarray]:
    """Chunks of all frames but the first `skip`; raises ClipFailed("damaged") when their size changes on the way.

    times: a list to which the time of every frame is added.
    """
    waiting: list[np.ndarray] = []
    shape = None
    for number, frame in enumerate(_pyav_frames(source)):
        if times is not None:
            times.append(frame.time)
        if number < skip:
            continue
        picture = _picture(frame)
        shape = shape or picture.shape
        if picture.shape != shape:
            raise ClipFailed("damaged", f"the picture's size changes from {shape[:2]} to {picture.shape[:2]}")
        waiting.append(picture)
        if len(waiting) == chunk_frames:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def _picture(frame) -> np.ndarray:
    """uint8 RGB `[H, W, 3]` of a decoded frame, turned upright: FFmpeg counts degrees against the clock, as NumPy does."""
    # One thread: FFmpeg would start one a core for each picture, which costs four times as long as converting it.
    return np.rot90(frame.to_ndarray(format="rgb24", threads=1), round((frame.rotation or 0) / 90) % 4)


def _pyav_frames(source):
    import av

    with _opened(source) as container:
        stream = _picture_stream(container)
        stream.thread_type = "NONE"
        try:
            yield from container.decode(stream)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"decoding stops: {problem}") from problem


def _checked_times(stamps: Iterable[float | None]) -> np.ndarray:
    """Times float64 `[T]` that do not decrease; raises ClipFailed("damaged") without frames or without their times."""
    times = list(stamps)
    if not times:
        raise ClipFailed("damaged", "no frame can be decoded")
    if any(time is None for time in times):
        raise ClipFailed("damaged", "frames carry no time stamps")
    return np.maximum.accumulate(np.asarray(times, dtype=np.float64))
