"""A training of the sync encoder on an indexed dataset, and the export of its result."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from dheads_model.checksum import write_checksum
from dheads_model.files import atomic_path, write_json
from dheads_model.network.sync_encoder import save_sync_encoder
from dheads_model.network.talking_model import parameter_count
from dheads_model.shards.index import Index, read_index
from dheads_model.shards.pairs import MouthClip, load_mouth_clips
from dheads_model.training.contrastive import choose_clips, held_out_accuracy, sync_settings
from dheads_model.training.identity import training_code
from dheads_model.training.state import folder_of, hold, identity_of
from dheads_model.training.sync_loop import TrainedSyncEncoder, train_sync_encoder

# Enough for an accuracy within a few per cent, and fast to score.
MOST_HELD_OUT_CLIPS = 500


@dataclass(frozen=True)
class FinishedSyncEncoder:
    """A training that has ended, with the clips that it saw and those it is scored on."""

    config: dict
    index: Index
    trained: TrainedSyncEncoder
    state_folder: Path
    clips: list[MouthClip]
    held_out: list[MouthClip]
    new_sentences: set[str]


def train_on_dataset(config: dict, index_path: str, state: str) -> FinishedSyncEncoder:
    """Train to the end, from the saved state if there is one.

    config: the config block of the sync encoder. state: folder of its states. Raises Interrupted and UserError as
    `train_sync_encoder` does.
    """
    settings, index = sync_settings(config), read_index(index_path)
    held_out = load_mouth_clips(index_path, "val", MOST_HELD_OUT_CLIPS)
    clips, new_sentences = choose_clips(load_mouth_clips(index_path, "train", settings.max_clips), held_out, settings)
    code = training_code("dheads_model.training.sync_loop")
    folder = folder_of(state, identity_of(config, index.fingerprint, code, None))
    with hold(folder):
        trained = train_sync_encoder(settings, config, clips, held_out, new_sentences, index.fingerprint, folder, code)
    return FinishedSyncEncoder(config, index, trained, folder, clips, held_out, new_sentences)


def export_sync_encoder(run: FinishedSyncEncoder, output: Path | str, training_log: Path | str) -> None:
    """Write the encoders with their held-out accuracy, the checksum file, the facts as JSON, and the log."""
    facts = {
        "images": run.trained.images,
        "data": run.index.fingerprint,
        "dataset": run.index.dataset,
        "loss": run.trained.last["loss"],
        "learnt_from": {"clips": len(run.clips), "speakers": sorted({clip.speaker for clip in run.clips})},
        "new_sentences": sorted(run.new_sentences),
        "held_out": held_out_accuracy(run.trained.model, run.held_out, run.new_sentences),
    }
    save_sync_encoder(output, run.trained.model, run.config, facts)
    write_checksum(output)
    count = parameter_count(run.trained.model)
    write_json(Path(output).with_suffix(".json"), {"config": run.config, "parameters": count, **facts})
    with atomic_path(training_log) as temporary:
        shutil.copyfile(run.state_folder / "training.jsonl", temporary)
