"""The audio encoder that the published UNets were trained with: one audio embedding per video frame.

Known of the released `audio_encoder.pt` (the repository's inference code): it is TorchScript and is called once per frame
with 0.2 s of audio, its length and the recurrent state, which is zero before the first frame and passed from frame to
frame; it returns the embedding, an unused value, and the new state `[2, 1, 256]`. Unknown: its layers, the names of its
tensors and its hash. So there are two ways to use it. `script_audio_encoder` runs the archive itself, after its sha256 is
verified. `sda_audio_encoder` runs nothing from the file: it loads the weights into the layers of SDA (Vougioukas et
al., IJCV 2020; repository DinoMan/speech-driven-animation), which the paper names as the source of its encoder, and
refuses a file of other layers; `has_sda_layers` selects the way. Neither was tested with the released file, which is not
redistributed.
"""

import hashlib
import io
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.media.clock import SAMPLES_PER_FRAME

WINDOW = 5 * SAMPLES_PER_FRAME
HIDDEN = (2, 1, 256)
# Kernel, stride and padding at 16 kHz: a window of 3200 samples becomes 200, 100, 50, 25, 5 and 1 columns.
_CONVOLUTIONS = ((80, 16, 32), (4, 2, 1), (4, 2, 1), (4, 2, 1), (10, 5, 3), (5, 1, 0))
_CHANNELS = (1, 16, 32, 64, 128, 256)


class WindowEncoder(Protocol):
    """(window float32 `[1, 1, 3200]` in [-1, 1], state `[2, 1, 256]`) -> (embedding `[D]`, new state `[2, 1, 256]`)."""

    def __call__(self, window: Tensor, state: Tensor) -> tuple[Tensor, Tensor]: ...


def audio_windows(samples: np.ndarray) -> Tensor:
    """The audio around each video frame, float32 `[n, 3200]` in [-1, 1], n = floor(N / 640), of int16 `[N]` at 16 kHz.

    Window k is centred on the middle of frame k: samples 640 k - 1280 to 640 k + 1919, zero beyond the ends. Loudness
    is not normalised. Raises ValueError for samples of another type or for less than a frame. Source: the published
    inference code, which takes windows of 3200 samples every 640 samples of audio padded by 1280 zeros on both sides.
    """
    if samples.dtype != np.int16 or samples.ndim != 1 or len(samples) < SAMPLES_PER_FRAME:
        raise ValueError(f"samples must be int16 [N] with N >= 640, not {samples.dtype} {samples.shape}")
    padding = (WINDOW - SAMPLES_PER_FRAME) // 2
    padded = np.pad(samples.astype(np.float32) / 32768.0, padding)
    return torch.from_numpy(padded).unfold(0, WINDOW, SAMPLES_PER_FRAME)


def stream_windows(speech: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """The windows of `audio_windows` one by one, float32 `[3200]`, from a stream of 40 ms pieces int16 `[640]`.

    Window k is available after piece k + 2, or at the end of the audio; only five pieces are held.
    """
    silence = np.zeros(SAMPLES_PER_FRAME, np.int16)
    around = WINDOW // SAMPLES_PER_FRAME // 2
    held = deque([silence] * around, maxlen=2 * around + 1)
    for samples in itertools.chain(speech, [silence] * around):
        held.append(samples)
        if len(held) == held.maxlen:
            yield torch.from_numpy(np.concatenate(held).astype(np.float32) / 32768.0)


def embed_windows(encoder: WindowEncoder, windows: Iterable[Tensor]) -> Iterator[Tensor]:
    """One embedding float32 `[D]` on the CPU per window `[3200]`; the state is zero before the first and then passed on."""
    state = torch.zeros(HIDDEN)
    for window in windows:
        with torch.no_grad():
            embedding, state = encoder(window[None, None], state)
        yield embedding


def embed_speech(encoder: WindowEncoder, samples: np.ndarray) -> Tensor:
    """Audio embeddings of a clip, float32 `[n, D]` on the CPU, of int16 `[N]` at 16 kHz; n = floor(N / 640).

    The state is zero before the first frame and passed through all frames, so a clip must be given whole: an embedding
    depends on all audio before its frame and on 0.08 s after it. Raises ValueError as `audio_windows`.
    """
    return torch.stack(list(embed_windows(encoder, audio_windows(samples))))


class SDAAudioEncoder(nn.Module):
    """SDA's encoder of raw audio with its recurrent layers (sizes derived from its repository for 16 kHz and 0.2 s).

    Six convolutions, the first five with batch normalisation and ReLU, the last with tanh, encode a window to one code;
    two GRU layers compute the embedding from the codes so far. Names of the tensors are those of the repository.
    """

    def __init__(self, code_channels: int):
        super().__init__()
        channels = (*_CHANNELS, code_channels)
        self.encoder = nn.Module()
        self.encoder.cl = nn.ModuleList(
            nn.Conv1d(inputs, outputs, kernel, stride, padding)
            for inputs, outputs, (kernel, stride, padding) in zip(
                channels[:-1], channels[1:], _CONVOLUTIONS, strict=True
            )
        )
        self.encoder.activations = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(width), nn.ReLU()) for width in _CHANNELS[1:]
        )
        self.rnn = nn.GRU(code_channels, HIDDEN[2], HIDDEN[0], batch_first=True)

    def forward(self, window: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """window `[1, 1, 3200]` in [-1, 1], state `[2, 1, 256]` -> (embedding `[256]`, new state)."""
        x = window
        for convolution, activation in zip(self.encoder.cl[:-1], self.encoder.activations, strict=True):
            x = activation(convolution(x))
        code = torch.tanh(self.encoder.cl[-1](x))
        embedding, state = self.rnn(code.transpose(1, 2), state)
        return embedding.flatten(), state


def has_sda_layers(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are the tensors of SDA's encoder by their names."""
    with torch.device("meta"):
        return tensors.keys() == SDAAudioEncoder(1).state_dict().keys()


def sda_audio_encoder(tensors: Mapping[str, Tensor]) -> SDAAudioEncoder:
    """SDA's encoder in evaluation mode with weights from `checkpoint_files.read_checkpoint`, every tensor exactly once.

    Raises UserError when a tensor is missing, left over, of another shape, type or not finite.
    """
    last = tensors.get("encoder.cl.5.weight")
    if last is None or last.ndim != 3 or not len(last):
        raise UserError(
            "these weights are not of SDA's audio encoder: encoder.cl.5.weight is missing or no convolution; run the "
            "archive itself with script_audio_encoder()."
        )
    encoder = SDAAudioEncoder(len(last))
    own = encoder.state_dict()
    for name in sorted(own.keys() | tensors.keys()):
        if name not in tensors or name not in own:
            raise UserError(
                f"these weights are not of SDA's audio encoder: {name} is {'missing' if name in own else 'left over'}; "
                "run the archive itself with script_audio_encoder()."
            )
        if own[name].shape != tensors[name].shape or own[name].is_floating_point() != tensors[name].is_floating_point():
            raise UserError(
                f"{name} is {tensors[name].dtype} {list(tensors[name].shape)} where SDA's audio encoder needs "
                f"{own[name].dtype} {list(own[name].shape)}."
            )
        if not torch.isfinite(tensors[name]).all():
            raise UserError(f"{name} holds values that are not finite; fetch the audio encoder again.")
    encoder.load_state_dict(dict(tensors), strict=True)
    return encoder.eval().requires_grad_(False)


def script_audio_encoder(path: Path | str, sha256: str) -> WindowEncoder:
    """The released TorchScript itself, on the CPU and in evaluation mode. Its code is executed, so the hash must match.

    sha256: all 64 hex digits, from the facts of a model that `import_model` made with this file. (The published code
    does not change the archive's training flag.) Raises UserError for a missing file, one of another hash, or one
    that is not TorchScript; the encoder raises it when the archive's arguments or results differ from those described
    above.
    """
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise UserError(f"the sha256 of {path} must be given as 64 hex digits, not {sha256!r}: the file is executed.")
    try:
        # Read once, so that the hashed bytes are the executed ones.
        content = Path(path).read_bytes()
    except OSError as problem:
        raise UserError(f"{path} cannot be read: {problem.strerror}.") from problem
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(f"{path} has sha256 {found}, not the expected {sha256}; it was not opened, fetch it again.")
    try:
        script = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()
    except RuntimeError as problem:
        raise UserError(f"{path} is no TorchScript archive: {_first_line(problem)}.") from problem

    def encode(window: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        try:
            embedding, _, after = script(window, torch.tensor([WINDOW]), init_state=state)
            return embedding.flatten().float(), after.reshape(HIDDEN)
        except (RuntimeError, TypeError, ValueError, AttributeError) as problem:
            raise UserError(
                f"{path} is no audio encoder of the published kind, (window, length, init_state) -> (embedding, _, "
                f"state): {_first_line(problem)}."
            ) from problem

    return encode


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0]
