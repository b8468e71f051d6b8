"""Weights in groups that learn at rates of their own."""

from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.settings import TrainingSettings

_HEARS = ("audio_encoder.", "unet.audio_embed.")


def parameter_groups(model: TalkingModel, settings: TrainingSettings) -> list[dict]:
    """Groups for the optimiser, each with its `rate_factor`, by which the learning rate is multiplied.

    What takes the sound learns at audio_lr_scale, a lip reader at lip_lr_scale with a decay of its weights, all else at 1. All are
    one group where the rates are the same, as in the paper.
    """
    groups: dict[tuple[float, float], list] = {}
    for name, weight in model.named_parameters():
        if name.startswith("lip_reader."):
            kind = (settings.lip_lr_scale, settings.lip_weight_decay)
        else:
            kind = (settings.audio_lr_scale if name.startswith(_HEARS) else 1.0, 0.0)
        groups.setdefault(kind, []).append(weight)
    return [
        {"params": weights, "rate_factor": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()
    ]
