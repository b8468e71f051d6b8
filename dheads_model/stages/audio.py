"""Audio at 16 kHz on the clock of the crops, and its log filterbank, for the clips of a shard."""

import io
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFiltered
from dheads_model.manifest import Manifest, Outcome, process_clips
from dheads_model.media.audio import loudest_frame_dbfs, read_audio, wav_bytes
from dheads_model.media.features import log_filterbank
from dheads_model.media.source_path import check_source
from dheads_model.shards.tar import open_tar


def read_clip_audio(source: dict, start: float, frames: int) -> np.ndarray:
    """Samples int16 `[640 frames]` from `start` seconds on the video's clock, out of the video or the file beside it."""
    if "sound" not in source:
        return read_audio(check_source(source), start, frames)
    # A separate audio file begins with the first frame, also if the video's first time stamp is not 0.
    return read_audio(check_source(source["sound"]), start - source["video_start"], frames)


def extract_shard(
    source: Manifest, align: Manifest, silence_dbfs: float, bands: int, output: Path | str
) -> list[Outcome]:
    """Write waveforms and filterbank features of the aligned clips into a tar; returns the outcome of each clip.

    silence_dbfs: a clip whose loudest 40 ms are quieter is filtered. bands: of the filterbank.
    """
    files = source.ok()
    with open_tar(output) as add:

        def work(clip: str, facts: dict) -> dict:
            samples = read_clip_audio(files[clip], facts["start"], facts["frames"])
            loudest = loudest_frame_dbfs(samples)
            if loudest < silence_dbfs:
                raise ClipFiltered("silent_audio", f"the loudest 40 ms reach {loudest:.0f} dBFS")
            features = io.BytesIO()
            np.save(features, log_filterbank(samples, bands))
            add([(f"{clip}.wav", wav_bytes(samples)), (f"{clip}.features.npy", features.getvalue())])
            return {"loudest_dbfs": round(loudest, 2), "samples": len(samples)}

        return process_clips(align.ok().items(), work)
