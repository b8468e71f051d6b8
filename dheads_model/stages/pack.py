"""One WebDataset tar with all data of the clips of a shard."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.faces.tables import read_clips
from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.shards.reader import unpack_clip
from dheads_model.shards.tar import open_tar, read_tar

SOURCE_FACTS = ("speaker", "split", "transcript", "sha256")
# Facts that only some corpora have.
MORE_FACTS = ("word", "word_seconds", "word_frames", "words")


def by_clip(path) -> Callable[[str], list[tuple[str, bytes]]]:
    """Function from clip id to its members in a tar; ids must be asked for in the tar's order, some may be left out."""
    groups = groupby(read_tar(path), lambda member: member[0].split(".")[0])

    def members_of(wanted: str) -> list[tuple[str, bytes]]:
        for clip, members in groups:
            if clip == wanted:
                return list(members)
        raise ClipFailed("damaged", f"{path} lacks it or has another order")

    return members_of


def clip_members(
    clip: str, images: list, sounds: list, landmarks: np.ndarray, facts: dict
) -> Iterator[tuple[str, bytes]]:
    """Tar members of one clip in WebDataset's naming: the key, a dot, the kind."""
    for name, content in images:
        # "clip.frames/000001.png" -> "clip.000001.png": a key must not hold a folder.
        yield name.replace(".frames/", "."), content
    yield from sounds
    points = io.BytesIO()
    np.save(points, np.ascontiguousarray(landmarks, dtype=np.float32))
    yield f"{clip}.landmarks.npy", points.getvalue()
    yield f"{clip}.json", json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()


def pack_shard(manifests: Mapping[str, Path | str], output: Path | str) -> list[Outcome]:
    """Pack the clips that passed every stage into a tar; returns the outcome of each clip.

    manifests: of the stages source, track, align, crop, landmark and audio.
    """
    stages = {name: read_manifest(path) for name, path in manifests.items()}
    big = {name: verify_file(manifests[name], stages[name].files[0]) for name in ("crop", "landmark", "audio")}
    images, sounds, points = by_clip(big["crop"]), by_clip(big["audio"]), read_clips(big["landmark"])
    ok = {name: manifest.ok() for name, manifest in stages.items()}
    with open_tar(output) as add:

        def work(clip: str, _) -> dict:
            facts = {
                "clip": clip,
                "dataset": stages["source"].dataset,
                **{key: ok["source"][clip][key] for key in SOURCE_FACTS},
                **{key: ok["source"][clip][key] for key in MORE_FACTS if key in ok["source"][clip]},
                "fps": FRAMES_PER_SECOND,
                "frames": ok["align"][clip]["frames"],
                "size": ok["crop"][clip]["size"],
                "source_start": ok["align"][clip]["start"],
            }
            members = list(clip_members(clip, images(clip), sounds(clip), points[clip]["landmarks"], facts))
            try:
                unpacked = unpack_clip(clip, members)
            except ValueError as problem:
                raise ClipFailed("damaged", str(problem)) from problem
            add(members)
            return {"frames": len(unpacked.frames), "speaker": facts["speaker"]}

        both = [clip for clip in ok["landmark"] if clip in ok["audio"]]
        return process_clips(((clip, None) for clip in both), work)
