"""Long videos of one model: an identity frame of each of several test speakers, and the speech of all their clips, repeated."""

import dataclasses
import sys
from collections.abc import Iterator

import torch
from tqdm import tqdm

from dheads_model.config import build
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import ClipInput, clip_seed, rollout_each
from dheads_model.diffusion.settings import check_sampling
from dheads_model.errors import UserError
from dheads_model.files import write_json
from dheads_model.manifest import store_files
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.media.encode import encode_video
from dheads_model.media.features import log_filterbank
from dheads_model.metrics.long_video import WINDOW
from dheads_model.network.audio_input import encode_clip_audio, open_window_encoder
from dheads_model.network.export import load_export
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.talking_model import device_name, pick_device
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import read_shard
from dheads_model.shards.tar import write_tar
from dheads_model.stages.sample import ModelMethodSettings
from workflow_scripts.benchmarks.sample_steps import chosen_clips, long_speech
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    torch.set_num_threads(1)
    # As the command `generate` and `Talker.stream` sample: one clip in a batch.
    settings = dataclasses.replace(
        build(ModelMethodSettings, arguments.settings, "methods.NAME").sampling, clips_at_once=1
    )
    frames = round(arguments.seconds * FRAMES_PER_SECOND)
    if frames < 2 * WINDOW:
        raise UserError(f"--seconds is {arguments.seconds:g}; at least {2 * WINDOW / FRAMES_PER_SECOND:g} are needed.")
    model, config, facts = load_export(arguments.model)
    check_sampling(settings, config)
    encoder = open_window_encoder(model, facts, arguments.published_audio_encoder)
    device = pick_device()
    model = place_for_sampling(model, device, settings.compiled)
    faces = {clip.speaker: clip for clip in chosen_clips(arguments.shards, arguments.speakers)}
    spoken = [clip for path in arguments.shards for clip in read_shard(path) if clip.speaker in faces]
    videos: dict[str, bytes] = {}
    names = list(faces)

    def input_of(speaker: str) -> ClipInput:
        def open_clip() -> tuple[torch.Tensor, torch.Tensor]:
            own = sorted((clip for clip in spoken if clip.speaker == speaker), key=lambda clip: clip.clip)
            speech = long_speech(own, frames)
            still = resize_frames(faces[speaker].frames[:1], model.network_settings.image_size)[0]
            columns = log_filterbank(speech, model.network_settings.feature_bands)
            return to_model_range(torch.from_numpy(still)), encode_clip_audio(encoder, speech, columns)

        return ClipInput(frames, clip_seed(arguments.seed, faces[speaker].clip), open_clip)

    def keep(number: int, video) -> None:
        videos[names[number]] = encode_video(resize_frames(video, faces[names[number]].frames.shape[1]))

    with tqdm(total=frames * len(names), unit="frame", file=sys.stderr, mininterval=5, desc="sample") as progress:
        rollout_each(
            model, device, [input_of(name) for name in names], settings, keep, arguments.threads, progress.update
        )

    def members() -> Iterator[tuple[str, bytes]]:
        for number, name in enumerate(names):
            yield f"{number}.mp4", videos[name]

    write_tar(arguments.tar, members())
    result = {
        "device": device_name(device),
        "model": {"facts": facts, "sampling": dataclasses.asdict(settings)},
        "seconds": frames / FRAMES_PER_SECOND,
        "clips": [faces[name].clip for name in names],  # as numbered in the tar
        "file": dataclasses.asdict(store_files([arguments.tar], arguments.output)[0]),
    }
    write_json(arguments.output, result)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--speakers", type=int, default=4, help="test speakers, one video each")
    parser.add_argument("--seconds", type=float, default=300, help="of each video, at least 20")
    parser.add_argument("--published-audio-encoder", nargs="?", help="audio_encoder.pt, where the model needs it")
    parser.add_argument("--shards", nargs="+", required=True)
    for name in ("--model", "--tar", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.benchmarks.sample_long", parser, main)
