"""Train the encoders of mouth and sound of one dataset to the end, or go on where they stopped."""

import json
import shutil
import sys
from pathlib import Path

import torch

from dheads_model.checksum import checksum_path, write_checksum
from dheads_model.files import atomic_path, write_json
from dheads_model.network.sync_encoder import save_sync_encoder
from dheads_model.network.talking_model import parameter_count
from dheads_model.shards.index import read_index
from dheads_model.shards.pairs import load_mouth_clips
from dheads_model.training.contrastive import choose_clips, held_out_accuracy, sync_settings
from dheads_model.training.identity import training_code
from dheads_model.training.interruption import Interrupted
from dheads_model.training.state import folder_of, hold, identity_of
from dheads_model.training.sync_loop import train_sync_encoder
from workflow_scripts.command import parser, run
from workflow_scripts.finish import keep_recipe

# Enough for an accuracy to a few per cent, and quickly scored.
MOST_HELD_OUT_CLIPS = 500


def main(given) -> None:
    torch.set_num_threads(given.threads)
    settings = sync_settings(given.settings)
    print(json.dumps(given.settings, indent=1), file=sys.stderr)
    index = read_index(given.index)
    held_out = load_mouth_clips(given.index, "val", MOST_HELD_OUT_CLIPS)
    clips, new_sentences = choose_clips(load_mouth_clips(given.index, "train", settings.max_clips), held_out, settings)
    code = training_code("dheads_model.training.sync_loop")
    state = folder_of(given.state, identity_of(given.settings, index.fingerprint, code, None))
    try:
        with hold(state):
            trained = train_sync_encoder(
                settings, given.settings, clips, held_out, new_sentences, index.fingerprint, state, code
            )  # fmt: skip
    except Interrupted as stop:
        print(f"error: {stop}", file=sys.stderr)
        sys.exit(stop.exit_code)
    facts = {
        "images": trained.images,
        "data": index.fingerprint,
        "dataset": index.dataset,
        "loss": trained.last["loss"],
        "learnt_from": {"clips": len(clips), "speakers": sorted({clip.speaker for clip in clips})},
        "new_sentences": sorted(new_sentences),
        "held_out": held_out_accuracy(trained.model, held_out, new_sentences),
    }
    save_sync_encoder(given.output, trained.model, given.settings, facts)
    write_checksum(given.output)
    count = parameter_count(trained.model)
    write_json(Path(given.output).with_suffix(".json"), {"config": given.settings, "parameters": count, **facts})
    with atomic_path(given.log) as temporary:
        shutil.copyfile(Path(state, "training.jsonl"), temporary)
    keep_recipe(given, "train_sync_encoder", checksum_path(given.output), made_from=[given.index])


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--threads", type=int, default=1)
    for name in ("--index", "--state", "--output", "--log"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.train_sync_encoder", arguments, main)
