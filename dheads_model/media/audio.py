"""Sound in and out: any file that FFmpeg's libraries open -> 16 kHz mono on the container's clock."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.media.clock import SAMPLE_RATE, SAMPLES_PER_FRAME
from dheads_model.media.video import _opened

# Time stamps of packets are rounded; sound farther from its place than this was really cut out or doubled.
_GAP_SECONDS = 0.02


def read_audio(path: Path | str, start: float, n_frames: int) -> np.ndarray:
    """Sound under `n_frames` video frames from `start` seconds on the container's clock, int16 `[640 n_frames]`.

    Mono is the mean of all channels. Zeros where the track has no sound. Raises ClipFiltered("no_audio") and
    ClipFailed (unreadable, damaged).
    """
    wanted = n_frames * SAMPLES_PER_FRAME
    result = np.zeros(wanted, dtype=np.int16)
    found = False
    for time, samples in _pieces(path):
        found = True
        first = round((time - start) * SAMPLE_RATE)
        low, high = max(first, 0), min(first + len(samples), wanted)
        if low < high:
            result[low:high] = samples[low - first : high - first]
        if first > wanted:
            break
    if not found:
        raise ClipFailed("damaged", "the sound track holds no sound")
    return result


def load_speech(path: Path | str) -> np.ndarray:
    """All sound of a file from its first sample, int16 `[N]` at 16 kHz mono; raises as `read_audio`."""
    pieces = list(_pieces(path))
    if not pieces:
        raise ClipFailed("damaged", "the sound track holds no sound")
    begin = pieces[0][0]
    total = round((pieces[-1][0] - begin) * SAMPLE_RATE) + len(pieces[-1][1])
    result = np.zeros(total, dtype=np.int16)
    for time, samples in pieces:
        first = round((time - begin) * SAMPLE_RATE)
        result[first : first + len(samples)] = samples[: total - first]
    return result


def loudest_frame_dbfs(samples: np.ndarray) -> float:
    """Root mean square of the loudest 40 ms frame of int16 samples, in decibels of full scale; -inf for digital silence."""
    whole = len(samples) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
    frames = samples[:whole].astype(np.float64).reshape(-1, SAMPLES_PER_FRAME) / 32768.0
    if not len(frames):
        return float("-inf")
    power = np.mean(frames**2, axis=1).max()
    return float(10 * np.log10(power)) if power > 0 else float("-inf")


def write_wav(target, samples: np.ndarray) -> None:
    """Write int16 `[N]` at 16 kHz mono to a path or a binary file."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"samples must be int16 [N], not {samples.dtype} {samples.shape}")
    with wave.open(str(target) if isinstance(target, Path) else target, "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(SAMPLE_RATE)
        stream.writeframes(samples.astype("<i2").tobytes())


def wav_bytes(samples: np.ndarray) -> bytes:
    """The bytes of `write_wav`."""
    target = io.BytesIO()
    write_wav(target, samples)
    return target.getvalue()


def read_wav(source: Path | str | bytes) -> np.ndarray:
    """int16 `[N]` of a wav file or its bytes; raises UserError unless it is 16 kHz, mono and 16 bit."""
    name = "the wav" if isinstance(source, bytes) else str(source)
    try:
        with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "rb") as stream:
            found = (stream.getframerate(), stream.getnchannels(), stream.getsampwidth())
            content = stream.readframes(stream.getnframes())
    except (wave.Error, EOFError) as problem:
        raise UserError(f"{name} is not a wav file ({problem}).") from problem
    if found != (SAMPLE_RATE, 1, 2):
        raise UserError(
            f"{name} has {found[0]} Hz, {found[1]} channels, {8 * found[2]} bit; it must be 16000 Hz mono 16 bit."
        )
    return np.frombuffer(content, dtype="<i2").astype(np.int16)


def _pieces(path: Path | str) -> Iterator[tuple[float, np.ndarray]]:
    """(time of the first sample in seconds, int16 `[n]`) of runs of sound without gaps, in order.

    One resampler serves a run, so that no rounding adds up; time stamps decide where a run starts.
    """
    import av

    with _opened(path) as container:
        if not container.streams.audio:
            raise ClipFiltered("no_audio", "the file has no sound track")
        run_start, run_samples, resampler = None, 0, None
        source_rate = container.streams.audio[0].codec_context.sample_rate
        sent = 0
        try:
            for frame in container.decode(audio=0):
                time = frame.time if frame.time is not None else (run_start or 0.0) + sent / source_rate
                if run_start is None or abs(run_start + sent / source_rate - time) > _GAP_SECONDS:
                    if resampler is not None:
                        yield from _drain(resampler, run_start, run_samples)
                    run_start, run_samples, sent = time, 0, 0
                    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
                    source_rate = frame.sample_rate
                sent += frame.samples
                frame.pts = None
                for ready in resampler.resample(frame):
                    samples = ready.to_ndarray().reshape(-1)
                    yield run_start + run_samples / SAMPLE_RATE, samples
                    run_samples += len(samples)
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"the sound cannot be decoded: {problem}") from problem
        if resampler is not None:
            yield from _drain(resampler, run_start, run_samples)


def _drain(resampler, run_start: float, run_samples: int) -> Iterator[tuple[float, np.ndarray]]:
    for ready in resampler.resample(None):
        samples = ready.to_ndarray().reshape(-1)
        yield run_start + run_samples / SAMPLE_RATE, samples
        run_samples += len(samples)
