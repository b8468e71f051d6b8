"""Videos from a model for clips of a test shard: each from its first frame and its speech, several in a batch."""

from pathlib import Path

import torch

from dheads_model.checksum import verify_checksum
from dheads_model.config import build
from dheads_model.manifest import read_manifest
from dheads_model.stages.sample import ModelMethodSettings, SamplingJob, sample_clips
from workflow_scripts.command import add_subset, command_parser, run_command
from workflow_scripts.finish import finish_stage, video_files


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    settings = build(ModelMethodSettings, arguments.settings, "methods.NAME")
    if arguments.checksum:
        verify_checksum(arguments.model)
    shard, folder = read_manifest(arguments.shard), Path(arguments.videos_folder)
    job = SamplingJob(
        arguments.shard, arguments.subset, arguments.part, tuple(arguments.clips), folder, Path(arguments.state)
    )
    outcomes = sample_clips(
        job, arguments.model, arguments.published_audio_encoder, settings.sampling, arguments.seed, arguments.threads
    )
    finish_stage(
        arguments,
        "sample_videos",
        shard.dataset,
        shard,
        outcomes,
        video_files(folder, outcomes),
        made_from=[arguments.shard, *filter(None, [arguments.checksum])],
        outside=filter(None, [arguments.published_audio_encoder, None if arguments.checksum else arguments.model]),
        more_settings={"seed": arguments.seed, "model": arguments.model, "subset": arguments.subset},
    )


if __name__ == "__main__":
    parser = add_subset(command_parser(__doc__))
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--published-audio-encoder", nargs="?", help="audio_encoder.pt, where an imported model needs it"
    )
    parser.add_argument("--checksum", nargs="?", help="checksum file of a model that was trained here")
    parser.add_argument("--part", default="0000", help="number of this job among those of the shard, four digits")
    clips = "first clip of this job, counted from 0, and how many it has of the chosen ones"
    parser.add_argument("--clips", type=int, nargs=2, metavar=("FIRST", "COUNT"), required=True, help=clips)
    parser.add_argument("--state", required=True, help="folder of the records of finished videos")
    for name in ("--shard", "--model", "--videos-folder", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.sample_videos", parser, main)
