"""Settings, loss and held-out accuracy of the sync encoder's training."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.faces.mouth import crop_mouths
from dheads_model.metrics.sync import offset_accuracy, offset_similarities
from dheads_model.network.sync_encoder import SyncEncoder, embed_clip
from dheads_model.shards.pairs import MouthClip
from dheads_model.training.settings import SyncSettings

SPEAKERS = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


def sync_settings(config: dict) -> SyncSettings:
    """The config block of a sync encoder, checked. Raises UserError for keys or values that do not fit."""
    return build(SyncSettings, config, "sync_encoders.NAME")


def choose_clips(
    clips: Sequence[MouthClip], held_out: Sequence[MouthClip], settings: SyncSettings
) -> tuple[list[MouthClip], set[str]]:
    """(clips to train on, sentences that are held out) of a training split, given the clips of held-out speakers.

    Speakers are every second one of the sorted names where the settings say so; held-out sentences are drawn by the
    training's seed from the transcripts that both splits have. Raises UserError when nothing would be left.
    """
    spoken = {clip.transcript for clip in clips} - {""}
    known = sorted(spoken & {clip.transcript for clip in held_out})
    count = settings.held_out_sentences
    if count and (count > len(known) or count >= len(spoken)):
        raise UserError(
            f"sync_encoders.NAME.held_out_sentences is {count}, and the training split has {len(spoken)} known sentences, "
            f"{len(known)} of them in the validation split too; hold out fewer."
        )
    drawn = np.random.default_rng(settings.training.seed).choice(len(known), count, replace=False) if count else []
    new = {known[number] for number in drawn}
    speakers = sorted({clip.speaker for clip in clips})
    taken = set(speakers[SPEAKERS[settings.speakers]])
    chosen = [clip for clip in clips if clip.speaker in taken and clip.transcript not in new]
    if not chosen:
        raise UserError(
            f"sync_encoders.NAME.speakers {settings.speakers} leaves no training clip of {len(speakers)} speakers; "
            "take all."
        )
    return chosen, new


def contrastive_loss(mouth: Tensor, audio: Tensor, scale: Tensor | float) -> Tensor:
    """InfoNCE of embeddings `[B, E]` of length 1 that go together row by row, in both directions: a scalar.

    Half of -log softmax(scale * cosine) of the matching audio window among all of the batch, and half of that of the
    matching mouth among all mouths (van den Oord et al. 2018, equation 4; symmetric as in CLIP).
    """
    cosines = scale * mouth @ audio.T
    right = torch.arange(len(cosines), device=cosines.device)
    return (F.cross_entropy(cosines, right) + F.cross_entropy(cosines.T, right)) / 2


def held_out_accuracy(model: SyncEncoder, clips: Sequence[MouthClip], new_sentences: set[str]) -> dict:
    """Accuracy on clips of held-out speakers as JSON values, of all of them and of those with held-out sentences.

    Keys `all` and `new_sentences`, each an `OffsetAccuracy` as a dictionary, or None without clips of the kind.
    """
    parts = {"all": clips, "new_sentences": [clip for clip in clips if clip.transcript in new_sentences]}
    found = {name: offset_accuracy([clip_similarities(model, clip) for clip in part]) for name, part in parts.items()}
    return {name: accuracy and asdict(accuracy) for name, accuracy in found.items()}


def clip_similarities(model: SyncEncoder, clip: MouthClip) -> np.ndarray:
    """`offset_similarities` of a clip, in evaluation mode."""
    return offset_similarities(*embed_clip(model.eval(), crop_mouths(clip.mouth), clip.features))
