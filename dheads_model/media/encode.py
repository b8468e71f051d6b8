"""Encoding video: H.264 in mp4 at 25 frames/s, with or without audio; equal frames give equal bytes."""

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.files import atomic_path, write_bytes
from dheads_model.media.clock import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# Without it the bytes differ between machines with and without AVX2.
_X264_PARAMETERS = "cpu-independent=1"


def encode_video(
    frames: np.ndarray, audio: np.ndarray | None = None, crf: int = 12, pixel_format: str = "yuv420p"
) -> bytes:
    """Bytes of an mp4 (H.264) from uint8 RGB `[T, H, W, 3]` with even H and W.

    pixel_format: yuv420p, which every player supports, or yuv444p, which keeps the full colour resolution.
    audio: int16 `[640 T]` at 16 kHz, written as AAC. crf: x264's constant rate factor, 0 (lossless) to 51; 12 is
    visually lossless. Raises ValueError for another type, odd size, no frames, or audio of another length.
    """
    import av

    _check(frames, audio)
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        video = _add_video(container, *frames.shape[1:3], crf, pixel_format)
        audio_stream = None if audio is None else _add_audio(container)
        for index, image in enumerate(frames):
            _encode_image(container, video, image, index)
        container.mux(video.encode(None))
        if audio_stream is not None:
            _encode_audio(container, audio_stream, audio)
    return target.getvalue()


def write_video(path: Path | str, frames: np.ndarray, audio: np.ndarray | None = None, crf: int = 12) -> None:
    """Write `encode_video(...)` to a file, atomically."""
    write_bytes(path, encode_video(frames, audio, crf))


def write_video_stream(path: Path | str, frames: Iterable[tuple[np.ndarray, np.ndarray]], crf: int = 12) -> int:
    """Write a stream of (frame, samples) pairs as an mp4 in constant memory, atomically; returns their number.

    Each pair is a frame uint8 RGB `[H, W, 3]` with even H and W, and its samples int16 `[640]` at 16 kHz; the file equals
    that of `encode_video` except for the order of video and audio packets. Raises ValueError for other shapes or types
    and for no pairs, UserError when the file cannot be written.
    """
    import av

    count, shape, waiting, placed = 0, None, np.zeros(0, dtype=np.int16), 0
    options = {"fflags": "+bitexact"}
    with (
        _error_if_unwritable(path),
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options=options) as container,
    ):
        for image, samples in frames:
            _check(image[None], samples)
            if shape is None:
                shape = image.shape
                video, audio_stream = _add_video(container, *shape[:2], crf, "yuv420p"), _add_audio(container)
                resampler = _audio_resampler(audio_stream)
            if image.shape != shape:
                raise ValueError(f"frames must be of one size, not {shape} and then {image.shape}")
            _encode_image(container, video, image, count)
            waiting = np.concatenate([waiting, samples])
            size = len(waiting) // _block_size(audio_stream) * _block_size(audio_stream)
            _encode_samples(container, audio_stream, resampler, waiting[:size], placed)
            waiting, placed, count = waiting[size:], placed + size, count + 1
        if not count:
            raise ValueError("there are no frames to write")
        container.mux(video.encode(None))
        _encode_samples(container, audio_stream, resampler, waiting, placed)
        container.mux(audio_stream.encode(None))
    return count


@contextlib.contextmanager
def _error_if_unwritable(path: Path | str) -> Iterator[None]:
    import av

    try:
        yield
    except (OSError, av.error.FFmpegError) as problem:
        raise UserError(
            f"{path} cannot be written ({problem}); free disk space there or choose another path."
        ) from problem


def _add_video(container, height: int, width: int, crf: int, pixel_format: str):
    import av

    options = {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": _X264_PARAMETERS}
    video = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=options)
    video.height, video.width, video.pix_fmt = height, width, pixel_format
    video.codec_context.thread_count = 1
    # bitexact: no encoder version in the file.
    video.codec_context.flags |= av.codec.context.Flags.bitexact
    return video


def _add_audio(container):
    import av

    audio_stream = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
    audio_stream.bit_rate = 96_000
    audio_stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return audio_stream


def _encode_image(container, video, image: np.ndarray, index: int) -> None:
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    frame.pts = index
    # One thread: FFmpeg would start one per core to convert the colours of each image.
    container.mux(video.encode(frame.reformat(format=video.pix_fmt, threads=1)))


def _encode_audio(container, audio_stream, audio: np.ndarray) -> None:
    _encode_samples(container, audio_stream, _audio_resampler(audio_stream), audio, 0)
    container.mux(audio_stream.encode(None))


def _encode_samples(container, audio_stream, resampler, audio: np.ndarray, place: int) -> None:
    """Encode samples from sample number `place` on, in blocks of the codec's size."""
    import av

    size = _block_size(audio_stream)
    for start in range(0, len(audio), size):
        frame = av.AudioFrame.from_ndarray(audio[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, place + start
        for ready in resampler.resample(frame):
            container.mux(audio_stream.encode(ready))


def _block_size(audio_stream) -> int:
    return audio_stream.codec_context.frame_size or 1024


def _audio_resampler(audio_stream):
    import av

    return av.AudioResampler(format=audio_stream.codec_context.format, layout="mono", rate=SAMPLE_RATE)


def _check(frames: np.ndarray, audio: np.ndarray | None) -> None:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
        raise ValueError(f"frames must be uint8 [T, H, W, 3] with T > 0, not {frames.dtype} {frames.shape}")
    if frames.shape[1] % 2 or frames.shape[2] % 2:
        raise ValueError(f"height and width must be even for yuv420p, not {frames.shape[1]}x{frames.shape[2]}")
    if audio is not None and (audio.dtype != np.int16 or audio.shape != (SAMPLES_PER_FRAME * len(frames),)):
        raise ValueError(f"audio must be int16 [{SAMPLES_PER_FRAME * len(frames)}], not {audio.dtype} {audio.shape}")
