"""Train one run to its end, or go on where it stopped."""

import contextlib
import dataclasses
import json
import math
import os
import shutil
import sys
from pathlib import Path

import torch

from dheads_model.checksum import checksum_path, write_checksum
from dheads_model.errors import UserError
from dheads_model.files import atomic_path, sha256_of, write_json
from dheads_model.network.export import save_export
from dheads_model.network.talking_model import pick_device
from dheads_model.published.training_audio import open_frozen_audio_encoder
from dheads_model.shards.index import read_index
from dheads_model.shards.loader import frame_bytes, load_split
from dheads_model.shards.stream import open_split
from dheads_model.training.cost import SPEED_KEYS, Cost
from dheads_model.training.distributed import Distributed, init_distributed
from dheads_model.training.identity import training_code
from dheads_model.training.initial_audio import load_initial_audio
from dheads_model.training.interruption import Interrupted
from dheads_model.training.loop import train
from dheads_model.training.settings import RunSettings, run_settings
from dheads_model.training.state import folder_of, hold, identity_of
from workflow_scripts.command import parser, run
from workflow_scripts.finish import keep_recipe

VALIDATION_SHARE = 8
FILES = ("--index", "--state", "--output", "--training-log")


def main(given) -> None:
    torch.set_num_threads(given.threads)
    if given.dry_run and given.like:
        given.settings = recorded_settings(given.like)
    settings = run_settings(given.settings)
    if given.dry_run:
        print(json.dumps(given.settings, indent=1))
        print(Cost.of(settings, pick_device()).report())
        return
    missing = [name for name in FILES if getattr(given, name[2:].replace("-", "_")) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} must be given, or --dry-run.")
    with init_distributed() as ranks:
        train_run(given, settings, ranks)


def recorded_settings(path: str) -> dict:
    """The config that the model.json of a finished run records; raises UserError for another file."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8"))["config"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is no model.json of a finished run ({problem}).") from problem


def train_run(given, settings: RunSettings, ranks: Distributed) -> None:
    """Train as one of the processes; the first one writes."""
    if ranks.is_main_process:
        print(json.dumps(given.settings, indent=1), file=sys.stderr)
    index = read_index(given.index)
    sound = open_frozen_audio_encoder(settings.network, given.published_audio_encoder)
    learner, heard, data = settings, None, index.fingerprint
    if sound is not None:
        learner, heard, data = sound.of_unet(settings), sound.embed, f"{data}, heard by {sound.sha256}"
    size, allowed = settings.network.image_size, settings.training.in_memory_bytes
    train_clips = open_split(
        given.index, "train", size, allowed, settings.training.stream_passes, decoders(given.threads), heard
    )
    # Few windows are drawn of it, always the same.
    every = math.ceil(frame_bytes(index, "val", size) / max(allowed // VALIDATION_SHARE, 1)) or 1
    validation_clips = load_split(given.index, "val", size, heard, every)
    encoder = None
    if given.audio_encoder:
        encoder = load_initial_audio(given.audio_encoder, settings.network, settings.audio_encoder_frozen)
    code = training_code("dheads_model.training.loop")
    state = folder_of(given.state, identity_of(given.settings, data, code, encoder and encoder.sha256))
    try:
        # The first process holds the folder for all; the others begin when it does.
        with hold(state) if ranks.is_main_process else contextlib.nullcontext():
            ranks.barrier()
            trained = train(learner, given.settings, train_clips, validation_clips, data, state, ranks, encoder, code)
    except Interrupted as stop:
        print(f"error: {stop}", file=sys.stderr)
        sys.exit(stop.exit_code)
    if not ranks.is_main_process:
        return
    # What differs from run to run stays in the log and out of the export.
    last = {key: value for key, value in trained.last.items() if key not in SPEED_KEYS}
    facts = {"images": trained.images, "data": index.fingerprint, "dataset": index.dataset, "last": last}
    facts |= given.framing | ({"methods": given.methods} if given.methods else {})
    if encoder is not None:
        facts["audio_encoder"] = {"name": settings.audio_encoder_from, "sha256": encoder.sha256}
    network, weights = settings.network, trained.weights
    if sound is not None:
        facts["published_audio_encoder"] = {"sha256": sound.sha256}
        network, weights = sound.with_encoder(network), sound.add_weights(weights)
    config = given.settings | {"network": dataclasses.asdict(network)}
    save_export(given.output, weights, config, facts)
    count = sum(value.numel() for value in weights.values())
    write_checksum(given.output)
    made_from = [given.index, *map(checksum_path, filter(None, [given.audio_encoder]))]
    about = {"history": trained.history, "made_from": {path: sha256_of(path) for path in map(str, made_from)}}
    write_json(Path(given.output).with_name("model.json"), {"config": config, "parameters": count, **facts, **about})
    with atomic_path(given.training_log) as temporary:
        shutil.copyfile(Path(state, "training.jsonl"), temporary)
    outside = filter(None, [given.published_audio_encoder])
    keep_recipe(given, "train_model", checksum_path(given.output), made_from, outside, {"framing": given.framing})


def decoders(threads: int) -> int:
    """Distributed that decode a stream for one process of the training: its share of the job's threads, but one."""
    return max(threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) - 1, 1)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--threads", type=int, default=1)
    framing = "the blocks align and crop that the data were prepared with, as one JSON object; kept in the model"
    arguments.add_argument("--framing", type=json.loads, default={}, help=framing)
    methods = "{method: its block sampling} of those that sample from the model, as one JSON object; kept in the model"
    arguments.add_argument("--methods", type=json.loads, default={}, help=methods)
    arguments.add_argument("--dry-run", action="store_true", help="say what the training costs, and train nothing")
    arguments.add_argument("--like", help="model.json of a finished run, whose settings --dry-run takes instead")
    arguments.add_argument("--audio-encoder", nargs="?", help="sync encoder to start the audio encoder from")
    arguments.add_argument(
        "--published-audio-encoder", nargs="?", help="audio_encoder.pt, for network.audio_encoder published"
    )
    for name in FILES:
        arguments.add_argument(name)
    run("workflow_scripts.train_model", arguments, main)
