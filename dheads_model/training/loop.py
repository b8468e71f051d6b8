"""The training loop: one function. The same call resumes, and k steps, a kill and N - k steps equal N steps."""

import contextlib
import functools
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel, parameter_count, pick_device
from dheads_model.shards.loader import LoadedClip
from dheads_model.shards.stream import ClipStream, training_batches
from dheads_model.training.audio_use import ignored_audio_sentence
from dheads_model.training.cost import Cost
from dheads_model.training.distillation import Teacher, distillation_target
from dheads_model.training.distributed import Distributed, micro_batches, rank_rows
from dheads_model.training.engine import open_engine
from dheads_model.training.face_loss import reader_loss
from dheads_model.training.finite import gradient_norms, seen_at_once
from dheads_model.training.initial_audio import InitialAudioEncoder
from dheads_model.training.learner import Learner
from dheads_model.training.lip_loss import draw_lip_windows, lip_loss
from dheads_model.training.meter import Meter, by_noise
from dheads_model.training.micro_batches import add_gradients, gradients, open_tasks
from dheads_model.training.objective import LOSS_TERMS, DrawnBatch, batch_loss, draw_batch
from dheads_model.training.prefetch import prefetch
from dheads_model.training.previews import draw_preview
from dheads_model.training.settings import RunSettings, learning_rate
from dheads_model.training.state import identity_of
from dheads_model.training.tensorboard import open_board
from dheads_model.training.validation import averaged, validation_entries

_FAR_APART = 1_000_003  # makes the seeds of ranks and steps distinct
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """Result of a finished training: averaged weights, number of images, last entry of the log.

    history: from which image on which code trained on which data; one entry, unless a state of other code was resumed.
    """

    weights: dict[str, torch.Tensor]
    images: int
    last: dict
    history: list[dict]


def train(
    run: RunSettings,
    config: dict,
    train_clips: list[LoadedClip] | ClipStream,
    validation_clips: list[LoadedClip],
    fingerprint: str,
    state_folder: Path | str,
    ranks: Distributed | None = None,
    audio_encoder: InitialAudioEncoder | None = None,
    code: str = "",
    teacher: Teacher | None = None,
) -> Trained:
    """Train a run to the end, from its saved state if there is one.

    config: the run's config as given, fingerprint: of the data, code: digest of what trains; a state made with others is
    refused, except the one that the config names as resume_from. The log is training.jsonl in the state folder,
    previews of held-out speakers in its folder samples, events in tensorboard.
    ranks: those that share each batch, None for this process alone; rank 0 writes. audio_encoder: a trained
    one that initialises the run's. teacher: of a run with a block distillation.
    Raises Interrupted after SIGTERM, SIGINT or SIGUSR1 to any rank, with the state saved; UserError where a loss or
    gradient is not finite, with the state before it kept: on a CPU in that step, on a GPU at the next log line, state
    or preview, before that is written; and UserError where the audio condition has no effect and
    training.stop_when_audio_ignored is set.
    """
    ranks = ranks or Distributed(0, 1, pick_device())
    settings, device, folder = run.training, ranks.device, Path(state_folder)
    parts = micro_batches(settings.batch_size, ranks, settings.gradient_accumulation)
    if (teacher is None) != (run.distillation is None):
        raise ValueError("a teacher must be given exactly when the run has a block distillation")
    teacher = teacher and teacher.to(device)
    learner = Learner.new(run, device, audio_encoder, teacher)
    model, weights, terms = learner.model, learner.weights, LOSS_TERMS[run.diffusion.parameterization]
    log.info("%s parameters, %d steps of %d images on %s", f"{parameter_count(model):,}", settings.steps,
             settings.batch_size, device)  # fmt: skip
    cost, meter = Cost.of(run, device), Meter.new(device)

    def restore(state: dict) -> None:
        nonlocal meter
        learner.restore(state)
        if ranks.is_main_process:  # the state holds the sums of all ranks
            meter = Meter(**state["meter"]).to(device)

    def state() -> dict:
        return learner.state() | {"meter": vars(meter.total(ranks).to(torch.device("cpu")))}

    def distilled(noisy: torch.Tensor, rows: DrawnBatch) -> torch.Tensor:
        return distillation_target(
            teacher.model, learner.averaged, noisy, rows.levels, rows.next_levels, rows.conditions, run.distillation
        )

    target = None if teacher is None else distilled

    def micro_batch(drawn: DrawnBatch, part: slice) -> tuple[torch.Tensor, torch.Tensor, tuple]:
        loss = batch_loss(model, drawn.rows(part), run, target)
        return by_noise(loss), loss.terms, gradients(loss.total / len(parts), weights)

    def next_batch(step: int) -> DrawnBatch:
        return draw_batch(next(batches), run, settings.seed, step, True, device)

    identity = identity_of(
        config, fingerprint, code, audio_encoder and audio_encoder.sha256, teacher and teacher.sha256
    )
    observed = [*terms, *(f"the gradient of {name}" for name in learner.names)]
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(
            open_engine(settings, folder, identity, ranks, observed, restore, config.get("resume_from"))
        )
        tensorboard = folder / "tensorboard" if settings.tensorboard and ranks.is_main_process else None
        add_to_board = stack.enter_context(open_board(tensorboard, engine.images))
        batches = training_batches(
            train_clips,
            settings.batch_size,
            settings.seed,
            engine.step,
            run.network.audio_radius,
            run.network.motion_frames,
            rank_rows(ranks, settings.gradient_accumulation),
        )
        batches = stack.enter_context(prefetch(stack.enter_context(contextlib.closing(batches)), device))
        # Left first: no task may use the batches when they are closed.
        run_tasks = stack.enter_context(open_tasks(device, run.network.dropout))
        drawn = next_batch(engine.step) if engine.running else None
        while engine.running:
            step, rate = engine.step, learning_rate(settings, engine.images)
            # Dropout inside the network draws from the global generator.
            torch.manual_seed(settings.seed + step + ranks.rank * _FAR_APART)
            learner.forget_gradients()
            model.train()
            readers = [] if teacher else _reader_losses(model, drawn, train_clips, run, step)
            tasks = [functools.partial(micro_batch, drawn, part) for part in parts]
            tasks += [functools.partial(_gradients_of, loss, weights) for loss in readers]
            if step + 1 < settings.steps:
                tasks.append(functools.partial(next_batch, step + 1))
            results = run_tasks(tasks)
            losses = torch.zeros(len(terms), device=device)
            for sums, values, found in itertools.islice(results, len(parts)):
                meter.add(sums)
                losses = losses + values
                add_gradients(weights, found)
            for found in itertools.islice(results, len(readers)):
                add_gradients(weights, found)
            ranks.average_gradients(model)
            norms, norm = gradient_norms(weights)
            engine.observe(torch.cat([losses, norms]))
            if seen_at_once(device):
                engine.check_finite()
            meter.step(norm)
            learner.take_step(step, rate, norm, run_tasks)
            engine.advance()
            if engine.every(settings.log_every_images):
                engine.check_finite()
                measured, meter = meter.total(ranks), Meter.new(device)
                entry = {"images": engine.images, "learning_rate": rate, **measured.means()}
                entry |= cost.speed(engine.images_per_second(), ranks.world_size)
                if validation_clips and engine.every(settings.validation_every_images):
                    with averaged(model, learner.average):
                        entry |= validation_entries(model, validation_clips, run, device)
                engine.append_log(entry)
                if ranks.is_main_process:
                    add_to_board(entry)
                    if "validation_loss" in entry:
                        _report_ignored_audio(engine.read_log(), settings.stop_when_audio_ignored)
            if settings.samples_every_images and validation_clips and engine.every(settings.samples_every_images):
                engine.check_finite()
                if ranks.is_main_process:
                    with averaged(model, learner.average):
                        draw_preview(model, validation_clips, run, folder / "samples" / f"{engine.images:012d}.png")
                ranks.barrier()
            engine.save_if_due(state)
            drawn = next(results, None)
        return Trained(learner.average, engine.images, engine.read_log()[-1], engine.history)


def _reader_losses(
    model: TalkingModel, drawn: DrawnBatch, clips: list[LoadedClip] | ClipStream, run: RunSettings, step: int
) -> list[Callable[[], torch.Tensor]]:
    """The losses of the networks that are trained beside the UNet, with weights of their own; to be called."""
    losses = []
    if model.face_reader is not None:
        seed = run.training.seed
        losses.append(lambda: reader_loss(model.face_reader, drawn.clean, drawn.landmarks, seed, step))
    if drawn.lips is not None:
        losses.append(lambda: _lip_loss(model, drawn, clips, run, step))
    return losses


def _gradients_of(
    loss: Callable[[], torch.Tensor], weights: list[torch.nn.Parameter]
) -> tuple[torch.Tensor | None, ...]:
    return gradients(loss(), weights)


def _lip_loss(
    model: TalkingModel, drawn: DrawnBatch, clips: list[LoadedClip] | ClipStream, run: RunSettings, step: int
) -> torch.Tensor:
    """Loss of the lip reader, on windows of its own if all clips are in memory, else on those of the batch."""
    settings, windows = run.training, (drawn.conditions.audio_features, drawn.lips, drawn.mean_lips)
    if settings.lip_windows and isinstance(clips, list):
        device = drawn.clean.device
        windows = draw_lip_windows(clips, settings.lip_windows, run.network.audio_radius, settings.seed, step, device)
    return lip_loss(model.lip_reader, *windows, settings.seed, step)


def _report_ignored_audio(entries: list[dict], stop: bool) -> None:
    """Warn, or raise UserError where `stop` is set, if the log shows that the audio condition has no effect."""
    sentence = ignored_audio_sentence(entries)
    if sentence and stop:
        raise UserError(sentence)
    if sentence:
        log.warning(sentence)
