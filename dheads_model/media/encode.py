"""Encoding video: H.264 in mp4 at 25 frames a second, with or without sound, the same bytes for the same frames."""

import io
from pathlib import Path

import numpy as np

from dheads_model.files import write_bytes
from dheads_model.media.clock import FRAMES_PER_SECOND, SAMPLE_RATE, SAMPLES_PER_FRAME

# Otherwise a machine with AVX2 writes other bytes than one without.
_X264_PARAMETERS = "cpu-independent=1"


def encode_video(
    frames: np.ndarray, audio: np.ndarray | None = None, crf: int = 12, pixel_format: str = "yuv420p"
) -> bytes:
    """Bytes of an mp4 (H.264) from uint8 RGB `[T, H, W, 3]` with even H and W.

    pixel_format: yuv420p, which every player shows, or yuv444p, which keeps the full resolution of colour.
    audio: int16 `[640 T]` at 16 kHz, written as AAC. crf: x264's constant rate factor, 0 (lossless) to 51; 12 is
    visually lossless. Raises ValueError for another type, odd size, no frames, or sound of another length.
    """
    import av

    _check(frames, audio)
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": _X264_PARAMETERS}
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options=options)
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], pixel_format
        video.codec_context.thread_count = 1
        # bitexact: no encoder version in the file.
        video.codec_context.flags |= av.codec.context.Flags.bitexact
        sound = None
        if audio is not None:
            sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
            sound.bit_rate = 96_000
            sound.codec_context.flags |= av.codec.context.Flags.bitexact
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            _encode_sound(container, sound, audio)
    return target.getvalue()


def write_video(path: Path | str, frames: np.ndarray, audio: np.ndarray | None = None, crf: int = 12) -> None:
    """Write `encode_video(...)` to a file, whole or not at all."""
    write_bytes(path, encode_video(frames, audio, crf))


def _encode_sound(container, sound, audio: np.ndarray) -> None:
    import av

    size = sound.codec_context.frame_size or 1024
    resampler = av.AudioResampler(format=sound.codec_context.format, layout="mono", rate=SAMPLE_RATE)
    for start in range(0, len(audio), size):
        frame = av.AudioFrame.from_ndarray(audio[None, start : start + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        for ready in resampler.resample(frame):
            container.mux(sound.encode(ready))
    container.mux(sound.encode(None))


def _check(frames: np.ndarray, audio: np.ndarray | None) -> None:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
        raise ValueError(f"frames must be uint8 [T, H, W, 3] with T > 0, not {frames.dtype} {frames.shape}")
    if frames.shape[1] % 2 or frames.shape[2] % 2:
        raise ValueError(f"height and width must be even for yuv420p, not {frames.shape[1]}x{frames.shape[2]}")
    if audio is not None and (audio.dtype != np.int16 or audio.shape != (SAMPLES_PER_FRAME * len(frames),)):
        raise ValueError(f"audio must be int16 [{SAMPLES_PER_FRAME * len(frames)}], not {audio.dtype} {audio.shape}")
