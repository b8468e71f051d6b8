"""Validation of a training on clips of held-out speakers, with the averaged weights."""

import contextlib
import math
from collections.abc import Iterator

import torch

from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import LoadedClip, sample_batch
from dheads_model.training.audio_gain import audio_gain
from dheads_model.training.lip_loss import lip_correlation
from dheads_model.training.objective import batch_loss, draw_batch
from dheads_model.training.settings import RunSettings

VALIDATION_BATCHES = 4
_SEED = 1_000_003  # never a training seed: those are the config's


@contextlib.contextmanager
def averaged(model: TalkingModel, average: dict) -> Iterator[None]:
    """Inside, the model has the averaged weights and is in evaluation mode; afterwards it is trained again."""
    trained = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average)
    model.eval()
    try:
        yield
    finally:
        model.load_state_dict(trained)
        model.train()


def validation_entries(
    model: TalkingModel, clips: list[LoadedClip], run: RunSettings, device: torch.device
) -> dict[str, float]:
    """Entries of the log: loss, audio gain and lip correlation on held-out speakers, of a model in evaluation mode."""
    entries = {"validation_loss": validation_loss(model, clips, run, device), **audio_gain(model, clips, run, device)}
    if model.lip_reader is not None:
        found = lip_correlation(model.lip_reader, clips, run.network.audio_radius, device)
        entries |= {} if found is None else {"lip_correlation": found}
    return entries


def validation_loss(model: TalkingModel, clips: list[LoadedClip], run: RunSettings, device: torch.device) -> float:
    """Mean loss on clips of held-out speakers: the same windows and noise every time."""
    losses = []
    with torch.inference_mode():
        for number in range(VALIDATION_BATCHES):
            batch = sample_batch(
                clips,
                run.training.batch_size,
                _SEED,
                number,
                run.network.audio_radius,
                run.network.motion_frames,
            )
            loss = batch_loss(model, draw_batch(batch, run, _SEED, number, False, device), run)
            losses.append(loss.by_sample.double().mean().item())
    if not math.isfinite(mean := sum(losses) / len(losses)):
        raise UserError(
            "training stopped: the loss on held-out speakers is not finite; look for values in the validation data that are "
            "not numbers, or lower training.learning_rate."
        )
    return mean
