"""What a model hears of each video frame: filterbank columns, or embeddings of the encoder that its weights belong to."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.media.features import stream_log_filterbank
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.threads import one_thread
from dheads_model.published.audio_encoder import (
    WindowEncoder,
    embed_speech,
    embed_windows,
    script_audio_encoder,
    stream_windows,
)


def open_window_encoder(model: TalkingModel, facts: Mapping, path: Path | str | None) -> WindowEncoder | None:
    """The encoder that turns windows of sound into this model's embeddings; None for a model that hears by itself.

    A model with network.audio_encoder published holds it. One with "none" names in its export's facts the TorchScript
    that it belongs to, which must be given as path and is run only if it is that very file. Raises UserError when the
    file is missing, of no use to the model, or another one.
    """
    kind = model.network_settings.audio_encoder
    if kind != "none":
        if path is not None:
            raise UserError(f"this model needs no audio encoder beside it; leave out {path}.")
        # On the CPU wherever the model is: a window at a time is no work for a GPU.
        return copy.deepcopy(model.audio_encoder).cpu().eval() if kind == "published" else None
    known = facts.get("audio_encoder")
    if not (isinstance(known, Mapping) and {"file", "sha256"} <= known.keys()):
        raise UserError(
            "this model takes embeddings of the sound, and which encoder makes them is not recorded in it; import it "
            "again together with its audio_encoder.pt."
        )
    if path is None:
        raise UserError(
            f"this model takes embeddings that {known['file']} makes (sha256 {known['sha256']}); give that file as the "
            "published audio encoder."
        )
    return script_audio_encoder(path, known["sha256"])


def encode_speech(model: TalkingModel, encoder: WindowEncoder | None, speech: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """One by one what the model takes of each frame of sound int16 `[640]`, while sound comes.

    Filterbank columns `[4, bands]`, which wait for one more frame of sound, or embeddings `[D]`, which wait for two.
    """
    if encoder is None:
        columns = stream_log_filterbank(speech, model.network_settings.feature_bands)
        yield from map(torch.from_numpy, columns)
        return
    embeddings = embed_windows(encoder, stream_windows(speech))
    while True:
        with one_thread():
            embedding = next(embeddings, None)
        if embedding is None:
            return
        yield embedding


def encode_clip_audio(encoder: WindowEncoder | None, audio: np.ndarray, features: np.ndarray) -> Tensor:
    """The same for a whole prepared clip: its features float32 `[4 T, bands]` as `[T, 4, bands]`, or embeddings `[T, D]`
    of its audio int16 `[640 T]`."""
    if encoder is None:
        return torch.from_numpy(features.reshape(-1, FEATURE_COLUMNS_PER_FRAME, features.shape[-1]))
    with one_thread():
        return embed_speech(encoder, audio)
