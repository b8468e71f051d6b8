"""The training loop of the sync encoder: small, with the state, log, signals and learning rate of the model's own."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from dheads_model.network.sync_encoder import SyncEncoder
from dheads_model.network.talking_model import parameter_count, pick_device
from dheads_model.shards.pairs import MouthClip, sample_pairs
from dheads_model.training.contrastive import SyncSettings, contrastive_loss, held_out_accuracy
from dheads_model.training.finite import FiniteWatch, gradient_norms
from dheads_model.training.interruption import Interrupted, SignalWatch
from dheads_model.training.log import append_log, read_log, rewind_log
from dheads_model.training.settings import learning_rate
from dheads_model.training.state import identity_of, load_state, save_state

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedSyncEncoder:
    """What a finished training leaves: the encoders on the CPU, number of windows seen, last entry of the log."""

    model: SyncEncoder
    images: int
    last: dict


def train_sync_encoder(
    settings: SyncSettings,
    config: dict,
    train_clips: Sequence[MouthClip],
    validation_clips: Sequence[MouthClip],
    new_sentences: set[str],
    fingerprint: str,
    state_folder: Path | str,
    code: str = "",
) -> TrainedSyncEncoder:
    """Train to the end, or from where the state stands; a killed run that resumes ends with the same bits.

    train_clips, new_sentences: of `choose_clips`. config: the encoder's config as given, fingerprint: of the data, code:
    digest of what trains; a state made with others is refused. Raises Interrupted after SIGTERM, SIGINT or SIGUSR1, with
    the state saved, and UserError in a step whose loss or gradient is not finite, with the state before it kept.
    """
    training, radius, device = settings.training, settings.network.audio_radius, pick_device()
    torch.manual_seed(training.seed)
    model = SyncEncoder(settings.network).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    log.info("%s parameters, %d steps of %d windows on %s", f"{parameter_count(model):,}", training.steps,
             training.batch_size, device)  # fmt: skip
    identity = identity_of(config, fingerprint, code, None)
    log_path = Path(state_folder, "training.jsonl")
    step, losses = 0, []
    state = load_state(state_folder, identity)
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, losses = state["step"], state["losses"]
        log.info("resuming after %d windows", state["images"])
    rewind_log(log_path, step * training.batch_size)

    weights = list(model.parameters())
    finite = FiniteWatch.new(["the loss", *(f"the gradient of {name}" for name, _ in model.named_parameters())], device)

    def every(images: int) -> bool:
        """Whether a multiple of so many windows was passed by the last step; the end counts."""
        seen = step * training.batch_size
        return step == training.steps or seen // images != (seen - training.batch_size) // images

    with SignalWatch() as watch, tqdm(
        total=training.steps * training.batch_size, initial=step * training.batch_size, unit="window", file=sys.stderr,
        mininterval=5, desc="train",
    ) as progress:  # fmt: skip
        while step < training.steps:
            rate = learning_rate(training, step * training.batch_size)
            pairs = sample_pairs(
                train_clips, training.clips_per_batch, training.windows_per_clip, training.closest_negative, radius,
                training.seed, step,
            )  # fmt: skip
            model.train()
            mouth = model.embed_mouth(torch.from_numpy(pairs.mouth).to(device))
            audio = model.embed_audio(torch.from_numpy(pairs.audio).to(device))
            loss = contrastive_loss(mouth, audio, model.scale())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            finite.see(step, torch.cat([loss.detach()[None], gradient_norms(weights)[0]]))
            finite.check(training.batch_size)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            losses.append(float(loss.detach()))
            step += 1
            progress.update(training.batch_size)
            if every(training.log_every_images):
                entry = {"images": step * training.batch_size, "learning_rate": rate, "loss": sum(losses) / len(losses)}
                if validation_clips and every(training.validation_every_images):
                    entry["held_out"] = held_out_accuracy(model, validation_clips, new_sentences)
                append_log(log_path, entry)
                losses = []
            if every(training.state_every_images) or watch.stopped:
                found = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                         "images": step * training.batch_size, "losses": losses, "identity": identity}  # fmt: skip
                save_state(state_folder, found)
            if watch.stopped and step < training.steps:
                sentence = f"stopped by a signal after {step * training.batch_size} windows; the state is saved"
                raise Interrupted(sentence, watch.exit_code)
    # Without wanted gradients PyTorch chooses other kernels, which round differently: as the export will be used.
    return TrainedSyncEncoder(
        model.cpu().eval().requires_grad_(False), step * training.batch_size, read_log(log_path)[-1]
    )
