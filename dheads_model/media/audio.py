"""Reading audio of any file that FFmpeg's libraries open, as 16 kHz mono on the container's clock; writing wav."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.media.clock import SAMPLE_RATE, SAMPLES_PER_FRAME
from dheads_model.media.container import open_container

# Time stamps of packets are rounded; a larger difference from the expected time is a real gap or overlap.
_GAP_SECONDS = 0.02
# A recording with a longer pause has wrong time stamps.
_LONGEST_PAUSE_SECONDS = 600


def read_audio(path: Path | str, start: float, n_frames: int) -> np.ndarray:
    """Audio of `n_frames` video frames from `start` seconds on the container's clock, int16 `[640 n_frames]`.

    Mono is the mean of left and right; surround audio is first mixed to stereo by FFmpeg. Zeros where the track has no
    audio; where pieces overlap the later one is used. Raises ClipFiltered("no_audio") and ClipFailed (missing_file,
    unreadable, damaged).
    """
    wanted = n_frames * SAMPLES_PER_FRAME
    result = np.zeros(wanted, dtype=np.int16)
    found = False
    for begin, offset, samples in _pieces(path):
        found = True
        first = round((begin - start) * SAMPLE_RATE) + offset
        low, high = max(first, 0), min(first + len(samples), wanted)
        if low < high:
            result[low:high] = samples[low - first : high - first]
        if first > wanted:
            break
    if not found:
        raise ClipFailed("damaged", "the audio track has no samples")
    return result


def load_speech(path: Path | str) -> np.ndarray:
    """All audio of a file from its first sample, int16 `[N]` at 16 kHz mono; raises as `read_audio`."""
    pieces = list(_pieces(path))
    if not pieces:
        raise ClipFailed("damaged", "the audio track has no samples")
    places = [round((begin - pieces[0][0]) * SAMPLE_RATE) + offset for begin, offset, _ in pieces]
    result = np.zeros(max(place + len(piece[2]) for place, piece in zip(places, pieces, strict=True)), dtype=np.int16)
    for place, (_, _, samples) in zip(places, pieces, strict=True):
        result[max(place, 0) : place + len(samples)] = samples[max(-place, 0) :]
    return result


def stream_speech(path: Path | str) -> Iterator[np.ndarray]:
    """The audio of `load_speech` in pieces of 40 ms, int16 `[640]` each, in constant memory, without a partial last piece.

    Where pieces overlap the earlier one is used. Raises as `read_audio` while it is read, and ClipFailed("damaged") also
    for a pause of more than ten minutes between two pieces.
    """
    origin, received, waiting = None, 0, np.zeros(0, dtype=np.int16)
    for begin, offset, samples in _pieces(path):
        origin = begin if origin is None else origin
        missing = round((begin - origin) * SAMPLE_RATE) + offset - received
        if missing > _LONGEST_PAUSE_SECONDS * SAMPLE_RATE:
            raise ClipFailed("damaged", f"the audio pauses for {missing / SAMPLE_RATE:.0f} seconds")
        new = np.concatenate([np.zeros(max(missing, 0), dtype=np.int16), samples[max(-missing, 0) :]])
        received += len(new)
        waiting = np.concatenate([waiting, new])
        whole = len(waiting) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        yield from waiting[:whole].reshape(-1, SAMPLES_PER_FRAME)
        waiting = waiting[whole:]
    if origin is None:
        raise ClipFailed("damaged", "the audio track has no samples")


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
    except FileNotFoundError as problem:
        raise UserError(f"{name} is not there.") from problem
    except (wave.Error, EOFError) as problem:
        raise UserError(f"{name} is not a wav file ({problem}).") from problem
    if found != (SAMPLE_RATE, 1, 2):
        raise UserError(
            f"{name} has {found[0]} Hz, {found[1]} channels, {8 * found[2]} bit; it must be 16000 Hz mono 16 bit."
        )
    return np.frombuffer(content, dtype="<i2").astype(np.int16)


def _pieces(path: Path | str) -> Iterator[tuple[float, int, np.ndarray]]:
    """(start of a run in seconds, sample offset in that run, int16 `[n]`), in order of the file.

    A run is audio without gaps. It has one resampler, and offsets are counted in samples, so that rounding errors do not
    accumulate; time stamps determine where a run begins.
    """
    import av

    with open_container(path) as container:
        if not container.streams.audio:
            raise ClipFiltered("no_audio", "the file has no audio track")
        begin, received, given, form, resampler = 0.0, 0, 0, None, None
        try:
            for frame in container.decode(audio=0):
                expected = begin + (received / form[0] if form else 0.0)
                time = expected if frame.time is None else frame.time
                found = (frame.sample_rate, frame.format.name, frame.layout.name)
                if found != form or abs(time - expected) > _GAP_SECONDS:
                    if resampler is not None:
                        yield from _numbered(begin, given, resampler.resample(None))
                    begin, received, given, form = time, 0, 0, found
                    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
                received += frame.samples
                frame.pts = None
                for piece in _numbered(begin, given, resampler.resample(frame)):
                    given += len(piece[2])
                    yield piece
        except av.error.FFmpegError as problem:
            raise ClipFailed("damaged", f"the audio cannot be decoded: {problem}") from problem
        if resampler is not None:
            yield from _numbered(begin, given, resampler.resample(None))


def _numbered(begin: float, given: int, frames) -> Iterator[tuple[float, int, np.ndarray]]:
    for frame in frames:
        samples = frame.to_ndarray().reshape(-1)
        yield begin, given, samples
        given += len(samples)
