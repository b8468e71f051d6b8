"""Videos of a method that runs elsewhere, for the clips of a test shard, encoded as all others are."""

from pathlib import Path

from dheads_model.corpora.folder import EXTENSIONS
from dheads_model.errors import ClipFailed, UserError
from dheads_model.manifest import process_clips, read_manifest
from dheads_model.media.adopted import fit_video
from dheads_model.media.encode import write_video
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard
from workflow_scripts.command import parser, run
from workflow_scripts.finish import finish_stage


def main(given) -> None:
    shard = read_manifest(given.shard)
    source, folder = Path(given.settings["path"]), Path(given.videos_folder)
    if (source / shard.dataset).is_dir():
        source = source / shard.dataset
    if not source.is_dir():
        raise UserError(f"{source} of method {given.method} is not there any more; mend methods.{given.method}.path.")
    videos, clips = videos_by_clip(source), list(read_shard(given.shard))
    if clips and not any(clip.clip in videos for clip in clips):
        raise UserError(
            f"{source} of method {given.method} has none of the {len(clips)} clips of shard {shard.shard}; name videos by "
            f"clip, for instance {clips[0].clip}.mp4."
        )

    def work(name: str, clip: ShardClip) -> dict:
        if name not in videos:
            raise ClipFailed("missing_file", f"{source} has no video of it")
        frames, facts = fit_video(videos[name], len(clip.frames))
        write_video(folder / f"{name}.mp4", resize_frames(frames, clip.frames.shape[1]), clip.audio)
        return {"frames": len(frames), **facts}

    outcomes = process_clips(((clip.clip, clip) for clip in clips), work)
    files = [folder / f"{o.clip}.mp4" for o in outcomes if o.status == "ok"]
    outside = [videos[o.clip] for o in outcomes if o.status == "ok"]
    finish_stage(given, "adopt_videos", shard.dataset, shard, outcomes, files, made_from=[given.shard], outside=outside)


def videos_by_clip(folder: Path) -> dict[str, Path]:
    """{clip id: its video} of a folder whose videos bear the names of clips. Raises UserError for two of one name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise UserError(f"{folder} has two videos of clip {path.stem}, {found[path.stem].name} and {path.name}.")
        found[path.stem] = path
    return found


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--shard", "--method", "--videos-folder", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.adopt_videos", arguments, main)
