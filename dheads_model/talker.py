"""The public API: open a trained model and generate a talking video from a photo of a face and speech; see docs/api.md."""

import dataclasses
import itertools
import numbers
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self, overload

import numpy as np
import torch
from tqdm import tqdm

from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import stream
from dheads_model.diffusion.settings import SamplingSettings, check_sampling
from dheads_model.errors import UserError
from dheads_model.faces.photo import crop_image, crop_photo
from dheads_model.media.encode import write_video_stream
from dheads_model.media.speech import count_frames, speech_frames, speech_frames_of_chunks
from dheads_model.network.audio_input import encode_speech, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import TalkingModel, pick_device
from dheads_model.published.audio_encoder import WindowEncoder
from dheads_model.shards.loader import resize_frames
from dheads_model.talker_settings import TalkerSettings, chosen_sampling, read_settings

Photo = Path | str | np.ndarray
Speech = Path | str | np.ndarray
DEFAULT_SEED = 0


class GeneratedVideo(NamedTuple):
    """frames: uint8 RGB `[T, S, S, 3]`, 25 a second. audio: int16 `[640 T]`, 16 kHz mono, the speech."""

    frames: np.ndarray
    audio: np.ndarray


class WrittenVideo(NamedTuple):
    """path: of the mp4. frames: their number, 25 a second. size: side of the square frames in pixels."""

    path: Path
    frames: int
    size: int


@dataclasses.dataclass(frozen=True)
class Talker:
    """A model ready to generate; made by `Talker.load`.

    encoder: computes audio embeddings for a model whose input they are. config, facts: those of the export.
    """

    path: Path
    model: TalkingModel = dataclasses.field(repr=False)
    encoder: WindowEncoder | None = dataclasses.field(repr=False)
    config: Mapping = dataclasses.field(repr=False)
    facts: Mapping = dataclasses.field(repr=False)
    settings: TalkerSettings

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        method: str | None = None,
        config: Path | str | None = None,
        audio_encoder: Path | str | None = None,
    ) -> Self:
        """Open an export, on a CUDA device if there is one.

        method: whose sampler settings are used, if the export records several. config: a YAML overlay of the settings that
        the export records. audio_encoder: the TorchScript file that some imported models need.
        Without config, classifier-free guidance of a model of generated faces is at most 1.5. Raises UserError for a file that
        is missing, damaged or no export, and for settings that are missing or do not fit.
        """
        for name, value in (("model", path), ("config", config), ("audio encoder", audio_encoder)):
            if not isinstance(value, (str, Path)) and (value is not None or name == "model"):
                raise UserError(f"the {name} is a {type(value).__name__}; give the path of a file.")
        model, recorded, facts = load_export(path)
        encoder = open_window_encoder(model, facts, audio_encoder)
        settings = read_settings(facts, config, method)
        placed = place_for_sampling(model, pick_device(), settings.sampling.compiled)
        return cls(Path(path), placed, encoder, recorded, facts, settings)

    @property
    def size(self) -> int:
        """Side of the square frames in pixels."""
        return self.settings.crop.size

    @overload
    def generate(
        self,
        photo: Photo,
        speech: Speech,
        output: None = None,
        *,
        seed: int = ...,
        steps: int | None = ...,
        guidance_scale: float | None = ...,
        progress: bool = ...,
    ) -> GeneratedVideo: ...

    @overload
    def generate(
        self,
        photo: Photo,
        speech: Speech,
        output: Path | str,
        *,
        seed: int = ...,
        steps: int | None = ...,
        guidance_scale: float | None = ...,
        progress: bool = ...,
    ) -> WrittenVideo: ...

    def generate(
        self, photo, speech, output=None, *, seed=DEFAULT_SEED, steps=None, guidance_scale=None, progress=False
    ):
        """Generate a talking video from a photo and speech: frames and audio, or with `output` an mp4 in constant memory.

        photo: a file, or uint8 RGB `[H, W, 3]`. speech: a file with an audio track, or int16 `[N]` at 16 kHz mono; what is
        left after the last whole frame of 40 ms is cut off. output: the mp4, written atomically. steps: denoising
        steps per frame. guidance_scale: classifier-free guidance scale on the audio condition, 0 or more, 1 for none; both
        default to the method's. progress: show a bar on standard error. Equal arguments give equal bytes. Raises UserError
        for a photo without a usable face, for speech that is missing, empty or silent, for sampling for which the model was
        not trained, and for an output that cannot be written.
        """
        sampling = self._sampling(seed, steps, guidance_scale)
        if output is not None:
            check_output(
                output, [source for source in (photo, speech, self.path) if not isinstance(source, np.ndarray)]
            )
        count = count_frames(speech, self.settings.silence_dbfs)
        pairs = talk(self, self._face(photo), speech_frames(speech), sampling, seed)
        shown = tqdm(pairs, "generate", count, unit=" frames", file=sys.stderr, disable=not progress)
        if output is not None:
            return WrittenVideo(Path(output), write_video_stream(output, shown), self.size)
        frames, sound = zip(*shown, strict=True)
        return GeneratedVideo(np.stack(frames), np.concatenate(sound))

    def stream(
        self,
        photo: Photo,
        speech_chunks: Iterable[np.ndarray],
        *,
        seed: int = DEFAULT_SEED,
        steps: int | None = None,
        guidance_scale: float | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames uint8 RGB `[S, S, 3]` one by one while speech arrives, in constant memory; equal to those of `generate`.

        speech_chunks: an iterable of int16 `[N]` at 16 kHz mono, of any length. A frame comes 120 ms of speech after its own
        40 ms (160 ms with the published audio encoder), plus its computation. Photo and numbers are checked at the call.
        Raises UserError as `generate`, for a chunk of another type or shape when it comes, and at the end for less than one
        whole frame of speech; silence is not refused, since later speech is not known.
        """
        sampling = self._sampling(seed, steps, guidance_scale)
        speech = speech_frames_of_chunks(speech_chunks)
        return _stream(talk(self, self._face(photo), speech, sampling, seed))

    def _sampling(self, seed: int, steps: int | None, guidance_scale: float | None) -> SamplingSettings:
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral):
            raise UserError(f"seed is {seed!r}; it must be a whole number.")
        given = {"steps": steps, "guidance_scale": guidance_scale}
        sampling = chosen_sampling(self.settings, {name: value for name, value in given.items() if value is not None})
        check_sampling(sampling, self.config)
        return sampling

    def _face(self, photo: Photo) -> np.ndarray:
        """The photo's face uint8 RGB `[S, S, 3]`, aligned and framed as the model's data."""
        framing = (
            self.settings.align, self.settings.crop, self.settings.backend, self.settings.min_eye_distance
        )  # fmt: skip
        if isinstance(photo, (str, Path)):
            return crop_photo(photo, *framing)
        if not isinstance(photo, np.ndarray):
            raise UserError(f"the photo is a {type(photo).__name__}; give the path of a photo or uint8 RGB [H, W, 3].")
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
            raise UserError(f"the photo is {photo.dtype} {list(photo.shape)}; it must be uint8 RGB [H, W, 3].")
        return crop_image(photo, "the photo", *framing)


def talk(
    talker: Talker, face: np.ndarray, speech: Iterable[np.ndarray], sampling: SamplingSettings, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(frame uint8 RGB `[S, S, 3]`, its audio int16 `[640]`) one by one, in constant memory.

    face: uint8 RGB `[S, S, 3]`, aligned as the model's data. speech: frames int16 `[640]`; only as many are read as the
    next frame needs.
    """
    model = talker.model
    identity = torch.from_numpy(resize_frames(face[None], model.network_settings.image_size)[0])
    encoded, kept = itertools.tee(speech)
    features = encode_speech(model, talker.encoder, encoded)
    alone = dataclasses.replace(sampling, clips_at_once=1)
    frames = stream(model, to_model_range(identity).to(pick_device()), features, alone, seed)
    for frame, samples in zip(frames, kept, strict=True):
        yield resize_frames(frame[None], len(face))[0], samples


def check_output(output: Path | str, sources: Sequence[Path | str]) -> None:
    """Raise UserError where no mp4 can be written at `output`, or where it is one of the files to read."""
    if not isinstance(output, (str, Path)):
        raise UserError(f"the output is a {type(output).__name__}; give the path of an .mp4.")
    out = Path(output)
    if out.suffix != ".mp4":
        raise UserError(f"the output is {out}; its name must end in .mp4.")
    if out.is_dir():
        raise UserError(f"the output {out} is a folder; give the name of a file.")
    if any(out.exists() and os.path.exists(source) and os.path.samefile(out, source) for source in sources):
        raise UserError(f"the output {out} is one of the files to read, which would be lost; choose another name.")
    folder = next(parent for parent in out.absolute().parents if os.path.exists(parent))
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UserError(
            f"the output {out} cannot be written: {folder} is no folder with leave to write; choose another."
        )


def _stream(pairs: Iterator[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
    none = True
    for frame, _ in pairs:
        none = False
        yield frame
    if none:
        raise UserError(
            "the speech chunks held less than one frame of speech, 640 samples (40 ms); give longer speech."
        )
