"""The training loop: one function. The same call resumes, and k steps, a kill and N - k steps equal N steps."""

import contextlib
import logging
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from dheads_model.errors import UserError
from dheads_model.network.placement import compile_for_training
from dheads_model.network.talking_model import TalkingModel, parameter_count, pick_device
from dheads_model.shards.loader import LoadedClip, sample_batch
from dheads_model.shards.stream import ClipStream, training_batches
from dheads_model.training.audio_gain import audio_gain
from dheads_model.training.audio_use import ignored_audio_sentence
from dheads_model.training.cost import Cost
from dheads_model.training.distributed import Distributed, micro_batches, rank_rows
from dheads_model.training.finite import FiniteWatch, gradient_norms, seen_at_once
from dheads_model.training.initial_audio import InitialAudioEncoder
from dheads_model.training.interruption import Interrupted, SignalWatch
from dheads_model.training.lip_loss import draw_lip_windows, lip_correlation, lip_loss
from dheads_model.training.log import append_log, read_log, rewind_log
from dheads_model.training.meter import Meter, by_noise
from dheads_model.training.micro_batches import add_gradients, gradients, open_micro_batches
from dheads_model.training.objective import LOSS_TERMS, DrawnBatch, batch_loss, draw_batch
from dheads_model.training.parameters import parameter_groups
from dheads_model.training.prefetch import prefetch
from dheads_model.training.previews import draw_preview
from dheads_model.training.settings import RunSettings, ema_rate, learning_rate
from dheads_model.training.state import begin_state, first_history, identity_of, save_state
from dheads_model.training.tensorboard import open_board

VALIDATION_BATCHES = 4
_FAR_APART = 1_000_003  # seeds of different processes never meet those of other steps
_VALIDATION_SEED = 1_000_003  # never a training seed: those are the config's
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What a finished training leaves: averaged weights, number of images, last entry of the log.

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
) -> Trained:
    """Train a run to its end, or from where its state stands.

    config: the run's config as given, fingerprint: of the data, code: digest of what trains; a state made with others is
    refused, but for the one that config names as resume_from. The log lies in the state folder as training.jsonl,
    pictures of held-out speakers in its folder samples, events in tensorboard.
    ranks: those that share each batch, None for this one alone; the first of them writes. audio_encoder: where the
    run starts from a trained one.
    Raises Interrupted after SIGTERM, SIGINT or SIGUSR1 to any of them, with the state saved, and UserError where a loss
    or gradient is not finite, with the state before it kept: on a CPU in that step, on a GPU at the next log line, state
    or preview, before that is written; and for a model that does not listen, where the settings stop it.
    """
    ranks = ranks or Distributed(0, 1, pick_device())
    settings, device = run.training, ranks.device
    parts = micro_batches(settings.batch_size, ranks, settings.gradient_accumulation)
    torch.manual_seed(settings.seed)
    model = TalkingModel(run.network, run.diffusion).to(device)
    model.unet.gradient_checkpointing = settings.gradient_checkpointing
    if device.type == "cuda":
        model.precision = torch.bfloat16
        if settings.compiled:
            compile_for_training(model)
    if audio_encoder is not None:
        audio_encoder.start(model)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    learnt = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    weights = list(learnt.values())
    optimizer = torch.optim.AdamW(
        parameter_groups(model, settings),
        lr=settings.learning_rate,
        betas=settings.adam_betas,
        weight_decay=0.0,
        fused=True,
    )
    factors = [group.pop("rate_factor") for group in optimizer.param_groups]  # no part of the state
    log.info("%s parameters, %d steps of %d images on %s", f"{parameter_count(model):,}", settings.steps,
             settings.batch_size, device)  # fmt: skip
    identity = identity_of(config, fingerprint, code, audio_encoder and audio_encoder.sha256)
    history = first_history(identity)
    log_path = Path(state_folder, "training.jsonl")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    cost = Cost.of(run, device)
    step, meter = 0, Meter.new(device)
    state = begin_state(state_folder, identity, config.get("resume_from"))
    if state is not None:
        history = state["history"]
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average = {name: value.to(device) for name, value in state["average"].items()}
        step = state["step"]
        if ranks.is_main_process:  # the state holds the sums of all
            meter = Meter(**state["meter"]).to(device)
        log.info("resuming after %d images", state["images"])
    if ranks.is_main_process:
        rewind_log(log_path, step * settings.batch_size)

    board_folder = Path(state_folder, "tensorboard") if settings.tensorboard and ranks.is_main_process else None
    batches = training_batches(
        train_clips,
        settings.batch_size,
        settings.seed,
        step,
        run.network.audio_radius,
        run.network.motion_frames,
        rank_rows(ranks, settings.gradient_accumulation),
    )

    terms = LOSS_TERMS[run.diffusion.parameterization]
    finite = FiniteWatch.new([*terms, *(f"the gradient of {name}" for name in learnt)], device)
    averages, currents = list(average.values()), list(model.state_dict().values())

    def save() -> None:
        finite.check(settings.batch_size)
        ranks.barrier()
        measured = meter.total(ranks)
        if not ranks.is_main_process:
            return
        save_state(
            state_folder,
            {
                "model": model.state_dict(),
                "average": average,
                "optimizer": optimizer.state_dict(),
                "step": step,
                "images": step * settings.batch_size,
                "meter": vars(measured.to(torch.device("cpu"))),
                "identity": identity,
                "history": history,
            },
        )

    def every(images: int) -> bool:
        """Whether a multiple of so many images was passed by the last step; the end counts."""
        seen = step * settings.batch_size
        return step == settings.steps or seen // images != (seen - settings.batch_size) // images

    with SignalWatch() as watch, tqdm(
        total=settings.steps * settings.batch_size, initial=step * settings.batch_size, unit="img", file=sys.stderr,
        mininterval=5, desc="train", disable=not ranks.is_main_process,
    ) as progress, open_board(board_folder, step * settings.batch_size) as board, contextlib.closing(batches), prefetch(
        batches, device
    ) as batches, open_micro_batches(device, run.network.dropout) as run_micro_batches:  # fmt: skip
        started, since = time.perf_counter(), step
        while step < settings.steps:
            rate = learning_rate(settings, step * settings.batch_size)
            batch = next(batches)
            # Dropout inside the network draws from the global generator.
            torch.manual_seed(settings.seed + step + ranks.rank * _FAR_APART)
            optimizer.zero_grad(set_to_none=True)
            drawn = draw_batch(batch, run, settings.seed, step, True, device)
            model.train()

            def learn(part: slice, drawn: DrawnBatch = drawn) -> tuple[torch.Tensor, torch.Tensor, tuple]:
                loss = batch_loss(model, drawn.rows(part), run)
                return by_noise(loss), loss.terms, gradients(loss.total / len(parts), weights)

            losses = torch.zeros(len(terms), device=device)
            for sums, values, found in run_micro_batches(learn, parts):
                meter.add(sums)
                losses = losses + values
                add_gradients(weights, found)
            if drawn.lips is not None:
                heard, lips = drawn.conditions.audio_features, drawn.lips
                if settings.lip_windows and isinstance(train_clips, list):
                    heard, lips = draw_lip_windows(
                        train_clips, settings.lip_windows, run.network.audio_radius, settings.seed, step, device
                    )  # fmt: skip
                loss = lip_loss(model.lip_reader, heard, lips, settings.seed, step)
                add_gradients(weights, gradients(loss, weights))
            ranks.average_gradients(model)
            norms, norm = gradient_norms(weights)
            finite.see(step, torch.cat([losses, norms]))
            if seen_at_once(device):
                finite.check(settings.batch_size)
            torch.nn.utils.clip_grads_with_norm_(weights, settings.gradient_clip or math.inf, norm)
            meter.step(norm)
            for group, factor in zip(optimizer.param_groups, factors, strict=True):
                group["lr"] = rate * factor
            optimizer.step()
            get_ema_multi_avg_fn(ema_rate(settings, step))(averages, currents, step)
            step += 1
            progress.update(settings.batch_size)
            if every(settings.log_every_images):
                finite.check(settings.batch_size)
                measured, meter = meter.total(ranks), Meter.new(device)
                entry = {"images": step * settings.batch_size, "learning_rate": rate, **measured.means()}
                seconds = time.perf_counter() - started  # the numbers are here, so a GPU has done all that was asked
                entry |= cost.speed((step - since) * settings.batch_size / max(seconds, 1e-9), ranks.world_size)
                if validation_clips and every(settings.validation_every_images):
                    with averaged(model, average):
                        entry["validation_loss"] = validation_loss(model, validation_clips, run, device)
                        entry |= audio_gain(model, validation_clips, run, device)
                        if model.lip_reader is not None:
                            found = lip_correlation(
                                model.lip_reader, validation_clips, run.network.audio_radius, device
                            )  # fmt: skip
                            entry |= {} if found is None else {"lip_correlation": found}
                if ranks.is_main_process:
                    append_log(log_path, entry)
                    board(entry)
                    if "validation_loss" in entry and (deaf := ignored_audio_sentence(read_log(log_path))):
                        if settings.stop_when_audio_ignored:
                            raise UserError(deaf)
                        log.warning(deaf)
                progress.set_postfix(loss=f"{entry['loss']:.4f}")
                started, since = time.perf_counter(), step
            if settings.samples_every_images and validation_clips and every(settings.samples_every_images):
                finite.check(settings.batch_size)
                if ranks.is_main_process:
                    with averaged(model, average):
                        shown = Path(state_folder, "samples", f"{step * settings.batch_size:012d}.png")
                        draw_preview(model, validation_clips, run, shown)
                ranks.barrier()
            stopped = bool(ranks.sum(torch.tensor([float(watch.stopped)], dtype=torch.float64)))
            if every(settings.state_every_images) or stopped:
                save()
            if stopped and step < settings.steps:
                sentence = f"stopped by a signal after {step * settings.batch_size} images; the state is saved"
                raise Interrupted(sentence, watch.exit_code)
    return Trained(average, step * settings.batch_size, read_log(log_path)[-1], history)


@contextlib.contextmanager
def averaged(model: TalkingModel, average: dict) -> Iterator[None]:
    """Inside, the model has the averaged weights and is in evaluation mode; afterwards it trains on."""
    trained = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average)
    model.eval()
    try:
        yield
    finally:
        model.load_state_dict(trained)
        model.train()


def validation_loss(model: TalkingModel, clips: list[LoadedClip], run: RunSettings, device: torch.device) -> float:
    """Mean loss on clips of held-out speakers: the same windows and noise every time."""
    losses = []
    with torch.inference_mode():
        for number in range(VALIDATION_BATCHES):
            batch = sample_batch(
                clips,
                run.training.batch_size,
                _VALIDATION_SEED,
                number,
                run.network.audio_radius,
                run.network.motion_frames,
            )
            loss = batch_loss(model, draw_batch(batch, run, _VALIDATION_SEED, number, False, device), run)
            losses.append(loss.by_sample.double().mean().item())
    if not math.isfinite(mean := sum(losses) / len(losses)):
        raise UserError(
            "training stopped: the loss on held-out speakers is not finite; look for values in the validation data that are "
            "no numbers, or lower training.learning_rate."
        )
    return mean
