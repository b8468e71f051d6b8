"""Which optimiser trains which weights, and at which learning rate."""

from torch import nn

from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.settings import TrainingSettings

# Learning rate factor and weight decay of the face reader.
_FACE_READER = (0.5, 0.02)
_AUDIO = ("audio_encoder.", "unet.audio_embed.")
# First and last layers of the UNet: Muon is for the matrices between them.
_ENDS = ("unet.stem.", "unet.lip_stem.", "unet.eye_stem.", "unet.head.")


def muon_weights(model: TalkingModel, settings: TrainingSettings) -> list[nn.Parameter]:
    """The convolutions between the UNet's first and last layer; none without a muon_learning_rate."""
    if settings.muon_learning_rate is None:
        return []
    return [
        weight
        for name, weight in model.named_parameters()
        if name.startswith("unet.") and not name.startswith(_ENDS) and weight.dim() > 2
    ]


def parameter_groups(model: TalkingModel, settings: TrainingSettings) -> list[dict]:
    """Groups for AdamW of all other weights, each with its `rate_factor`, by which the learning rate is multiplied.

    The audio encoder and the audio embedding have audio_lr_scale, a lip reader lip_lr_scale and weight decay, a face
    reader its own, all else 1.
    Groups of the same rates are one, as in the paper.
    """
    groups: dict[tuple[float, float], list] = {}
    others = set(muon_weights(model, settings))
    for name, weight in model.named_parameters():
        if weight in others:
            continue
        if name.startswith("lip_reader."):
            kind = (settings.lip_lr_scale, settings.lip_weight_decay)
        elif name.startswith("face_reader."):
            kind = _FACE_READER
        else:
            kind = (settings.audio_lr_scale if name.startswith(_AUDIO) else 1.0, 0.0)
        groups.setdefault(kind, []).append(weight)
    return [
        {"params": weights, "rate_factor": rate, "weight_decay": decay} for (rate, decay), weights in groups.items()
    ]
