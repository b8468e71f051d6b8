"""The training loop of the sync encoder; resume, log, state and signals are those of the model's loop (engine.py)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from dheads_model.network.sync_encoder import SyncEncoder
from dheads_model.network.talking_model import parameter_count, pick_device
from dheads_model.shards.pairs import MouthClip, sample_pairs
from dheads_model.training.contrastive import SyncSettings, contrastive_loss, held_out_accuracy
from dheads_model.training.distributed import Distributed
from dheads_model.training.engine import open_engine
from dheads_model.training.finite import gradient_norms
from dheads_model.training.settings import learning_rate
from dheads_model.training.state import identity_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedSyncEncoder:
    """Result of a finished training: the encoders on the CPU, number of windows seen, last entry of the log."""

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
    """Train to the end, from the saved state if there is one; a killed run that resumes ends with the same bits.

    train_clips, new_sentences: of `choose_clips`. config: the encoder's config as given, fingerprint: of the data, code:
    digest of what trains; a state made with others is refused. Raises Interrupted after SIGTERM, SIGINT or SIGUSR1, with
    the state saved, and UserError in a step whose loss or gradient is not finite, with the state before it kept.
    """
    training, device = settings.training, pick_device()
    torch.manual_seed(training.seed)
    model = SyncEncoder(settings.network).to(device)
    weights, losses = list(model.parameters()), []
    optimizer = torch.optim.AdamW(weights, lr=training.learning_rate, weight_decay=training.weight_decay)
    log.info("%s parameters, %d steps of %d windows on %s", f"{parameter_count(model):,}", training.steps,
             training.batch_size, device)  # fmt: skip

    def restore(state: dict) -> None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        losses.extend(state["losses"])

    def state() -> dict:
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "losses": list(losses)}

    identity = identity_of(config, fingerprint, code, None)
    observed = ["the loss", *(f"the gradient of {name}" for name, _ in model.named_parameters())]
    alone = Distributed(0, 1, device)
    with open_engine(training, state_folder, identity, alone, observed, restore, unit="window") as engine:
        while engine.running:
            rate = learning_rate(training, engine.images)
            pairs = sample_pairs(
                train_clips, training.clips_per_batch, training.windows_per_clip, training.closest_negative,
                settings.network.audio_radius, training.seed, engine.step,
            )  # fmt: skip
            model.train()
            mouth = model.embed_mouth(torch.from_numpy(pairs.mouth).to(device))
            audio = model.embed_audio(torch.from_numpy(pairs.audio).to(device))
            loss = contrastive_loss(mouth, audio, model.scale())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            engine.observe(torch.cat([loss.detach()[None], gradient_norms(weights)[0]]))
            engine.check_finite()
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            losses.append(float(loss.detach()))
            engine.advance()
            if engine.every(training.log_every_images):
                entry = {"images": engine.images, "learning_rate": rate, "loss": sum(losses) / len(losses)}
                if validation_clips and engine.every(training.validation_every_images):
                    entry["held_out"] = held_out_accuracy(model, validation_clips, new_sentences)
                engine.append_log(entry)
                losses.clear()
            engine.save_if_due(state)
        # Without wanted gradients PyTorch chooses other kernels, which round differently: as the export will be used.
        return TrainedSyncEncoder(model.cpu().eval().requires_grad_(False), engine.images, engine.read_log()[-1])
