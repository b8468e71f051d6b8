"""FLV files as CREMA-D has them: Sorenson H.263 at 29.97 frames a second, MP3 at 44.1 kHz."""

import io
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

FRAMES_PER_SECOND = Fraction(30000, 1001)
SAMPLE_RATE = 44_100
_LAMBDA = 118  # FFmpeg's unit of quantiser scales
_QUANTISER = 2  # 1 best .. 31; CREMA-D's files have about this many bytes a second


def encode_flv(frames: Iterable[np.ndarray], samples: np.ndarray, rate: int) -> bytes:
    """Bytes of an FLV from uint8 RGB frames `[H, W, 3]` and int16 mono samples at `rate` Hz, always the same."""
    import av

    target = io.BytesIO()
    bitexact = av.codec.context.Flags.bitexact
    with av.open(
        target, "w", format="flv", options={"fflags": "+bitexact", "flvflags": "no_duration_filesize"}
    ) as container:
        options = {"flags": "+qscale+bitexact", "global_quality": str(_QUANTISER * _LAMBDA), "threads": "1", "g": "30"}
        video = container.add_stream("flv", rate=FRAMES_PER_SECOND, options=options)
        sound = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        sound.bit_rate = 128_000
        sound.codec_context.flags |= bitexact
        video.pix_fmt = "yuv420p"
        first = True
        for index, image in enumerate(frames):
            if first:
                video.height, video.width, first = image.shape[0], image.shape[1], False
            # One thread: the encoder would have FFmpeg start one a core to convert the colours of each image.
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=video.pix_fmt, threads=1)
            frame.pts, frame.time_base = index, 1 / FRAMES_PER_SECOND
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=SAMPLE_RATE, frame_size=1152)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(ready))
        container.mux(sound.encode(None))
    return target.getvalue()
