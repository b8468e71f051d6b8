"""Audio input of a model, per video frame: filterbank features, or embeddings of the audio encoder it was trained with."""

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
    """The encoder from audio windows to this model's embeddings; None for a model whose own encoder takes filterbanks.

    A model with network.audio_encoder published contains it. With "none" the facts of its export name a TorchScript
    file, which must be given as path and is run only if its sha256 matches. Raises UserError when the file is missing,
    not needed by the model, or another one.
    """
    kind = model.network_settings.audio_encoder
    if kind != "none":
        if path is not None:
            raise UserError(f"this model needs no audio encoder beside it; leave out {path}.")
        # On the CPU wherever the model is: single windows are too little work for a GPU.
        return copy.deepcopy(model.audio_encoder).cpu().eval() if kind == "published" else None
    known = facts.get("audio_encoder")
    if not (isinstance(known, Mapping) and {"file", "sha256"} <= known.keys()):
        raise UserError(
            "this model takes audio embeddings, and their encoder is not recorded in it; import it again together with "
            "its audio_encoder.pt."
        )
    if path is None:
        raise UserError(
            f"this model takes the audio embeddings of {known['file']} (sha256 {known['sha256']}); give that file as the "
            "published audio encoder."
        )
    return script_audio_encoder(path, known["sha256"])


def encode_speech(model: TalkingModel, encoder: WindowEncoder | None, speech: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Audio features of each 40 ms of audio int16 `[640]`, one by one, for streaming.

    Filterbank columns `[4, bands]`, with a latency of one frame, or audio embeddings `[D]`, with a latency of two.
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
    """Audio input of a whole prepared clip: its features float32 `[4 T, bands]` as `[T, 4, bands]`, or the embeddings
    `[T, D]` of its audio int16 `[640 T]`."""
    if encoder is None:
        return torch.from_numpy(features.reshape(-1, FEATURE_COLUMNS_PER_FRAME, features.shape[-1]))
    with one_thread():
        return embed_speech(encoder, audio)
