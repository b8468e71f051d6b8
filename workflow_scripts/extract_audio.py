"""Sound at 16 kHz on the clock of the crops, and its log filterbank, for the clips of a shard."""

import io

import numpy as np

from dheads_model.errors import ClipFiltered
from dheads_model.manifest import process_clips, read_manifest
from dheads_model.media.audio import loudest_frame_dbfs, read_audio, wav_bytes
from dheads_model.media.features import log_filterbank
from dheads_model.media.source_path import check_source
from dheads_model.shards.tar import open_tar
from workflow_scripts.command import add_budget, parser, run
from workflow_scripts.finish import finish_stage


def sound_of(source: dict, start: float, frames: int) -> np.ndarray:
    """Sound int16 `[640 frames]` from `start` seconds on the video's clock, out of the video or the file beside it."""
    if "sound" not in source:
        return read_audio(check_source(source), start, frames)
    # A separate sound begins with the first picture and knows nothing of the video's clock.
    return read_audio(check_source(source["sound"]), start - source["video_start"], frames)


def main(given) -> None:
    source, align = read_manifest(given.source), read_manifest(given.align)
    files = source.ok()
    with open_tar(given.output) as add:

        def work(clip: str, facts: dict) -> dict:
            samples = sound_of(files[clip], facts["start"], facts["frames"])
            loudest = loudest_frame_dbfs(samples)
            if loudest < given.settings["silence_dbfs"]:
                raise ClipFiltered("silent_audio", f"the loudest 40 ms reach {loudest:.0f} dBFS")
            features = io.BytesIO()
            np.save(features, log_filterbank(samples, given.settings["bands"]))
            add([(f"{clip}.wav", wav_bytes(samples)), (f"{clip}.features.npy", features.getvalue())])
            return {"loudest_dbfs": round(loudest, 2), "samples": len(samples)}

        outcomes = process_clips(align.ok().items(), work)
    finish_stage(
        given, "extract_audio", align.dataset, align, outcomes, [given.output], made_from=[given.source, given.align]
    )


if __name__ == "__main__":
    arguments = add_budget(parser(__doc__))
    for name in ("--source", "--align", "--output", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.extract_audio", arguments, main)
