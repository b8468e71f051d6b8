"""Small media files made by the tests: frames with a flash, sound with a click, in several containers and frame rates."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_media(
    path: Path,
    frame_times: list[float],
    flash: int,
    click: float | None,
    size: tuple[int, int] = (120, 160),
    codec: str = "libx264",
    audio_codec: str = "aac",
    audio_rate: int = 44_100,
    audio_start: float = 0.0,
    audio_seconds: float = 3.0,
    layout: str = "mono",
) -> Path:
    """Write a video whose frame number `flash` is white, the others dark, with one click at `click` seconds.

    frame_times: presentation times in seconds. click None: no sound track.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=30)
        video.height, video.width = size
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream(audio_codec, rate=audio_rate, layout=layout) if click is not None else None
        for number, time in enumerate(frame_times):
            picture = np.full((*size, 3), 250 if number == flash else 16, np.uint8)
            picture[:, : 1 + number % size[1]] //= 2
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            samples = np.zeros(round(audio_seconds * audio_rate), np.int16)
            at = round((click - audio_start) * audio_rate)
            samples[at : at + audio_rate // 500] = 20_000
            _encode(container, sound, samples, audio_rate, audio_start)
    return path


def _encode(container, sound, samples: np.ndarray, rate: int, start: float) -> None:
    size = sound.codec_context.frame_size or 1024
    fifo = av.AudioResampler(format=sound.codec_context.format, layout=sound.layout, rate=rate, frame_size=size)
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start * rate)
    for ready in [*fifo.resample(frame), *fifo.resample(None)]:
        container.mux(sound.encode(ready))
    container.mux(sound.encode(None))
