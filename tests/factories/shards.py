"""Packed shards of small made-up clips."""

import numpy as np

from dheads_model.faces.tables import LANDMARK, write_table
from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.media.audio import wav_bytes
from dheads_model.media.encode import encode_video
from dheads_model.media.features import log_filterbank
from dheads_model.shards.tar import write_tar
from tests.workflow import call
from workflow_scripts import pack_shards

BUDGET = {"always_allowed": 9, "failed_fraction": 1.0, "filtered_fraction": 1.0, "strict": True}


def make_stages(folder, split="train", shard="00000", lengths=None, speakers="ab", damage=None, words=None):
    """Outputs of all stages of one shard with small made-up clips; arguments of pack_shards.

    lengths: {clip: frames}. damage: a clip whose landmarks are one row short. words: {clip: its word label}.
    """
    import io

    lengths = lengths or {"a_1": 6, "b_1": 8}
    facts = {stage: {} for stage in ("source", "track", "align", "crop", "landmark", "audio")}
    crops, sounds, points = [], [], []
    for number, (clip, count) in enumerate(lengths.items()):
        generator = np.random.default_rng(number)
        frames = np.repeat(generator.integers(0, 255, (count, 4, 4, 3), dtype=np.uint8), 8, axis=1).repeat(8, axis=2)
        sound = (generator.normal(size=640 * count) * 3000).astype(np.int16)
        features = io.BytesIO()
        np.save(features, log_filterbank(sound))
        crops.append((f"{clip}.mp4", encode_video(frames)))
        sounds += [(f"{clip}.wav", wav_bytes(sound)), (f"{clip}.features.npy", features.getvalue())]
        rows = count - (clip == damage)
        marks = generator.uniform(0, 32, (rows, 68, 2)).astype(np.float32)
        points.append((clip, {"frame": np.arange(rows, dtype=np.int32), "landmarks": marks}))
        facts["source"][clip] = {
            "speaker": speakers[number % len(speakers)],
            "split": split,
            "transcript": "",
            "sha256": "0",
            **({"word": words[clip]} if words and clip in words else {}),
        }
        facts["align"][clip] = {"frames": count, "start": 0.0}
        facts["crop"][clip] = {"size": 32, "frames": count}
        for stage in ("track", "landmark", "audio"):
            facts[stage][clip] = {}
    files = {stage: folder / stage / f"{shard}.tar" for stage in ("crop", "audio", "landmark")}
    write_tar(files["crop"], crops)
    write_tar(files["audio"], sounds)
    write_table(files["landmark"], LANDMARK, points)
    arguments = {}
    for stage, known in facts.items():
        path = folder / stage / f"{shard}.json"
        stored = store_files([files[stage]], path) if stage in files else ()
        outcomes = tuple(Outcome(clip, "ok", facts=fact) for clip, fact in known.items())
        write_manifest(path, Manifest(stage, "toy", split, shard, {}, outcomes, stored))
        arguments[stage] = str(path)
    target = folder / "shards" / split / shard
    return arguments | {"output": f"{target}.tar", "manifest": f"{target}.json", "settings": {}, "budget": BUDGET}


def pack(folder, **how):
    arguments = make_stages(folder, **how)
    call(pack_shards.main, **arguments)
    return arguments["manifest"]
