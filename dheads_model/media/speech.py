"""Speech as frames of 40 ms, from a file, an array or chunks that come one by one; what is wrong with it is a UserError."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.media.audio import loudest_frame_dbfs, stream_speech
from dheads_model.media.clock import SAMPLE_RATE, SAMPLES_PER_FRAME

_WANTED = f"int16 samples [N] at {SAMPLE_RATE} Hz, mono"


def speech_frames(speech: Path | str | np.ndarray) -> Iterator[np.ndarray]:
    """Frames int16 `[640]` of an audio file, or of samples int16 `[N]` at 16 kHz; a last part frame is left out.

    A file is read in constant memory. Raises UserError for samples of another type or shape, at the call, and for a file
    that is missing, has no audio track or cannot be decoded, when it is read.
    """
    if isinstance(speech, np.ndarray):
        return speech_frames_of_chunks([speech])
    if not isinstance(speech, (str, Path)):
        raise UserError(f"the speech is a {type(speech).__name__}; give the path of a recording or {_WANTED}.")
    return _frames_of_file(speech)


def speech_frames_of_chunks(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames int16 `[640]` of chunks int16 `[N]` of any length at 16 kHz, each as soon as its samples have come.

    A last part frame is left out. Raises UserError at the call for what gives no chunks, and for a chunk of another type or
    shape when it comes.
    """
    if isinstance(chunks, (str, bytes, Path, np.ndarray)) or not isinstance(chunks, Iterable):
        raise UserError(
            f"the speech chunks are a {type(chunks).__name__}; give a list, a generator or another iterable of {_WANTED}."
        )
    return _whole_frames(chunks)


def count_frames(speech: Path | str | np.ndarray, silence_dbfs: float) -> int:
    """Whole frames of 40 ms in an audio file or in samples int16 `[N]` at 16 kHz.

    Raises UserError as `speech_frames` does, when there are none, and for silence: the loudest frame is below silence_dbfs
    decibels of full scale.
    """
    name = "the speech" if isinstance(speech, np.ndarray) else str(speech)
    count, loudest = 0, float("-inf")
    for samples in speech_frames(speech):
        count, loudest = count + 1, max(loudest, loudest_frame_dbfs(samples))
    if not count:
        raise UserError(f"{name} is shorter than one frame of 40 ms; give a longer recording.")
    if loudest < silence_dbfs:
        raise UserError(
            f"{name} is silent: its loudest 40 ms reach {loudest:.0f} dBFS and at least {silence_dbfs:g} are needed; "
            "give a recording of speech."
        )
    return count


def _frames_of_file(path: Path | str) -> Iterator[np.ndarray]:
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder; give the path of one recording.")
    try:
        yield from stream_speech(path)
    except ClipFiltered as problem:
        raise UserError(f"{path} has no audio track; give a recording of speech, for instance a wav.") from problem
    except ClipFailed as problem:
        if problem.reason == "missing_file":
            raise UserError(f"there is no audio file {path}; give the path of a recording.") from problem
        raise UserError(f"{path} cannot be decoded as audio ({problem.detail}); convert it to a wav.") from problem


def _whole_frames(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    waiting = np.zeros(0, np.int16)
    for number, chunk in enumerate(chunks):
        _check_samples(chunk, f"chunk {number} of the speech")
        waiting = np.concatenate([waiting, chunk])
        whole = len(waiting) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        yield from waiting[:whole].reshape(-1, SAMPLES_PER_FRAME)
        waiting = waiting[whole:]


def _check_samples(samples, name: str) -> None:
    if not isinstance(samples, np.ndarray):
        raise UserError(f"{name} is a {type(samples).__name__}; it must be a NumPy array of {_WANTED}.")
    if samples.dtype != np.int16 or samples.ndim != 1:
        found = f"{samples.dtype} {list(samples.shape)}"
        hint = "; multiply by 32767, clip and convert" if samples.dtype.kind == "f" else ""
        raise UserError(f"{name} is {found}; it must be {_WANTED}{hint}.")
