"""Two decoders of the same pictures: decord, which is fast, and PyAV, which can be trusted with any file."""

from collections.abc import Iterator

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.media.container import open_container, picture_stream

# Both give the same picture, up to the rounding of their colour conversion.
_SAME_PICTURE_LEVELS = 1.0


def decord_chunks(path: str, chunk_frames: int, count: int, first: np.ndarray) -> Iterator[np.ndarray]:
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


def pyav_chunks(source, chunk_frames: int, skip: int = 0, times: list | None = None) -> Iterator[np.ndarray]:
    """Chunks of all frames but the first `skip`; raises ClipFailed("damaged") when their size changes on the way.

    times: a list to which the time of every frame is added.
    """
    waiting: list[np.ndarray] = []
    shape = None
    for number, frame in enumerate(pyav_frames(source)):
        if times is not None:
            times.append(frame.time)
        if number < skip:
            continue
        picture = upright_picture(frame)
        shape = shape or picture.shape
        if picture.shape != shape:
            raise ClipFailed("damaged", f"the picture's size changes from {shape[:2]} to {picture.shape[:2]}")
        waiting.append(picture)
        if len(waiting) == chunk_frames:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def upright_picture(frame) -> np.ndarray:
    """uint8 RGB `[H, W, 3]` of a decoded frame, turned upright: FFmpeg counts degrees against the clock, as NumPy does."""
    # One thread: FFmpeg would start one a core for each picture, which costs four times as long as converting it.
    return np.rot90(frame.to_ndarray(format="rgb24", threads=1), round((frame.rotation or 0) / 90) % 4)


def pyav_frames(source):
    """PyAV's frames of a path or of bytes in memory; raises ClipFailed("damaged") where decoding stops."""
    import av

    with open_container(source) as container:
        stream = picture_stream(container)
        stream.thread_type = "NONE"
        try:
            yield from container.decode(stream)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"decoding stops: {problem}") from problem
