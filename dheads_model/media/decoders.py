"""Two video decoders: decord, which is fast, and PyAV, which is reliable with any file."""

from collections.abc import Iterator

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.media.container import open_container, video_stream

# Both give the same images, up to the rounding of their colour conversion.
_SAME_IMAGE_LEVELS = 1.0


def decord_chunks(path: str, chunk_frames: int, count: int, first: np.ndarray) -> Iterator[np.ndarray]:
    """Chunks of all frames; raises ClipFailed unless decord counts `count` frames and its first image is `first`."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(path, num_threads=1)
        if len(reader) != count:
            raise ClipFailed("damaged", f"decord counts {len(reader)} frames, there are {count} packets")
        for start in range(0, count, chunk_frames):
            chunk = np.empty((min(chunk_frames, count - start), *first.shape), dtype=np.uint8)
            for index in range(len(chunk)):
                image = reader.next().asnumpy()
                if image.shape != first.shape or (start + index == 0 and not _alike(image, first)):
                    raise ClipFailed("damaged", f"decord decodes another image as frame {start + index}")
                chunk[index] = image
            yield chunk
    except (RuntimeError, decord.DECORDError, StopIteration) as problem:
        raise ClipFailed("damaged", f"decoding stops: {problem}".splitlines()[0]) from problem


def _alike(image: np.ndarray, other: np.ndarray) -> bool:
    return float(np.abs(image.astype(np.int16) - other).mean()) <= _SAME_IMAGE_LEVELS


def pyav_chunks(source, chunk_frames: int, skip: int = 0, times: list | None = None) -> Iterator[np.ndarray]:
    """Chunks of all frames except the first `skip`; raises ClipFailed("damaged") when their size changes.

    times: a list to which the time of every frame is appended.
    """
    waiting: list[np.ndarray] = []
    shape = None
    for number, frame in enumerate(pyav_frames(source)):
        if times is not None:
            times.append(frame.time)
        if number < skip:
            continue
        image = upright_image(frame)
        shape = shape or image.shape
        if image.shape != shape:
            raise ClipFailed("damaged", f"the frame size changes from {shape[:2]} to {image.shape[:2]}")
        waiting.append(image)
        if len(waiting) == chunk_frames:
            yield np.stack(waiting)
            waiting = []
    if waiting:
        yield np.stack(waiting)


def upright_image(frame) -> np.ndarray:
    """uint8 RGB `[H, W, 3]` of a decoded frame, rotated upright: FFmpeg's degrees are counterclockwise, as NumPy's."""
    # One thread: FFmpeg would start one per core for each image, which takes four times as long as the conversion.
    return np.rot90(frame.to_ndarray(format="rgb24", threads=1), round((frame.rotation or 0) / 90) % 4)


def pyav_frames(source):
    """PyAV's frames of a path or of bytes in memory; raises ClipFailed("damaged") where decoding stops."""
    import av

    with open_container(source) as container:
        stream = video_stream(container)
        stream.thread_type = "NONE"
        try:
            yield from container.decode(stream)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"decoding stops: {problem}") from problem
