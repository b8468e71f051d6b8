"""A training of a run on an indexed dataset, and the export of its result."""

import contextlib
import dataclasses
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from dheads_model.checksum import checksum_path, write_checksum
from dheads_model.errors import UserError
from dheads_model.files import atomic_path, sha256_of, write_json
from dheads_model.network.export import save_export
from dheads_model.published.training_audio import FrozenAudioEncoder, open_frozen_audio_encoder
from dheads_model.shards.index import Index, read_index
from dheads_model.shards.loader import frame_bytes, load_split
from dheads_model.shards.stream import open_split
from dheads_model.training.cost import SPEED_KEYS
from dheads_model.training.distillation import Teacher, load_teacher
from dheads_model.training.distributed import Distributed
from dheads_model.training.identity import training_code
from dheads_model.training.initial_audio import InitialAudioEncoder, load_initial_audio
from dheads_model.training.loop import Trained, train
from dheads_model.training.settings import run_settings
from dheads_model.training.state import folder_of, hold, identity_of

VALIDATION_SHARE = 8


@dataclass(frozen=True)
class TrainingFiles:
    """index: of the dataset. state: folder of the run's states. audio_encoder: sync encoder that initialises the audio
    encoder. published_audio_encoder: audio_encoder.pt, for network.audio_encoder published. teacher: export of the run that
    a distilled run learns from."""

    index: str
    state: str
    audio_encoder: str | None = None
    published_audio_encoder: str | None = None
    teacher: str | None = None


@dataclass(frozen=True)
class FinishedRun:
    """A training that has ended. initial, frozen: the audio encoder that initialised it, or the frozen one; teacher: that of a
    distilled run; None without one."""

    config: dict
    files: TrainingFiles
    index: Index
    trained: Trained
    state_folder: Path
    initial: InitialAudioEncoder | None
    frozen: FrozenAudioEncoder | None
    teacher: Teacher | None = None

    def made_from(self) -> list[Path | str]:
        """Products that it was made from and that have a recipe."""
        return [self.files.index, *map(checksum_path, filter(None, [self.files.audio_encoder, self.files.teacher]))]


def train_run(config: dict, files: TrainingFiles, threads: int, ranks: Distributed) -> FinishedRun:
    """Train as one of the ranks to the end, from the saved state if there is one.

    config: the config block of the run. threads: of the whole job. Raises Interrupted and UserError as `train` does.
    """
    settings = run_settings(config)
    index = read_index(files.index)
    frozen = open_frozen_audio_encoder(settings.network, files.published_audio_encoder)
    learner, embed, data = settings, None, index.fingerprint
    if frozen is not None:
        learner, embed, data = frozen.of_unet(settings), frozen.embed, f"{data}, encoded by {frozen.sha256}"
    size, allowed = settings.network.image_size, settings.training.in_memory_bytes
    train_clips = open_split(
        files.index, "train", size, allowed, settings.training.stream_passes, decoders(threads), embed
    )
    # Validation uses few windows, always the same.
    every = math.ceil(frame_bytes(index, "val", size) / max(allowed // VALIDATION_SHARE, 1)) or 1
    validation_clips = load_split(files.index, "val", size, embed, every)
    initial = None
    if files.audio_encoder:
        initial = load_initial_audio(files.audio_encoder, settings.network, settings.audio_encoder_frozen)
    code = training_code("dheads_model.training.loop")
    teacher = None
    if settings.distillation is not None:
        if not files.teacher:
            raise UserError(
                f"a run with a block distillation needs the model of run {settings.distillation.teacher}: give --teacher."
            )
        teacher = load_teacher(files.teacher, settings)
    identity = identity_of(config, data, code, initial and initial.sha256, teacher and teacher.sha256)
    folder = folder_of(files.state, identity)
    # The main process holds the folder for all ranks; the others begin when it does.
    with hold(folder) if ranks.is_main_process else contextlib.nullcontext():
        ranks.barrier()
        trained = train(learner, config, train_clips, validation_clips, data, folder, ranks, initial, code, teacher)
    return FinishedRun(config, files, index, trained, folder, initial, frozen, teacher)


def export_run(run: FinishedRun, output: Path | str, training_log: Path | str, framing: dict, methods: dict) -> None:
    """Write the model, its checksum file, model.json beside it, and the log of the training.

    framing: the blocks align and crop that the data were prepared with. methods: {method: its block sampling}. Both are
    kept in the model.
    """
    trained, settings = run.trained, run_settings(run.config)
    # Values that differ between runs are in the log, not in the export.
    last = {key: value for key, value in trained.last.items() if key not in SPEED_KEYS}
    facts = {"images": trained.images, "data": run.index.fingerprint, "dataset": run.index.dataset, "last": last}
    facts |= framing | ({"methods": methods} if methods else {})
    if run.initial is not None:
        facts["audio_encoder"] = {"name": settings.audio_encoder_from, "sha256": run.initial.sha256}
    if run.teacher is not None:
        facts["teacher"] = {"name": settings.distillation.teacher, "sha256": run.teacher.sha256}
    network, weights = settings.network, trained.weights
    if run.frozen is not None:
        facts["published_audio_encoder"] = {"sha256": run.frozen.sha256}
        network, weights = run.frozen.with_encoder(network), run.frozen.add_weights(weights)
    config = run.config | {"network": dataclasses.asdict(network)}
    save_export(output, weights, config, facts)
    count = sum(value.numel() for value in weights.values())
    write_checksum(output)
    made_from = {path: sha256_of(path) for path in map(str, run.made_from())}
    about = {"history": trained.history, "made_from": made_from}
    write_json(Path(output).with_name("model.json"), {"config": config, "parameters": count, **facts, **about})
    with atomic_path(training_log) as temporary:
        shutil.copyfile(run.state_folder / "training.jsonl", temporary)


def recorded_settings(path: str) -> dict:
    """The config that the model.json of a finished run records; raises UserError for another file."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8"))["config"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is no model.json of a finished run ({problem}).") from problem


def decoders(threads: int) -> int:
    """Processes that decode a stream for one rank of the training: its slice of the job's threads minus one."""
    return max(threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) - 1, 1)
