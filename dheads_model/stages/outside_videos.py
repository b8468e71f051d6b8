"""Videos of a method that runs elsewhere, encoded as all others are."""

from collections.abc import Mapping
from pathlib import Path

from dheads_model.corpora.folder import EXTENSIONS
from dheads_model.errors import ClipFailed, UserError
from dheads_model.manifest import Manifest, Outcome, process_clips
from dheads_model.media.adopted import fit_video
from dheads_model.media.encode import write_video
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.shards.subset import choose_clips


def adopt_videos(
    shard: Manifest,
    shard_path: Path | str,
    method: str,
    source: Path,
    output_folder: Path,
    subset: Mapping | None = None,
) -> tuple[list[Outcome], list[Path]]:
    """(outcome of each clip of a packed shard, the adopted files) of the videos in `source` or its folder of the dataset.

    method: its name, for messages. subset: of the shard's clips, see `choose_clips`. Raises UserError where the folder is
    gone or has none of the clips.
    """
    if (source / shard.dataset).is_dir():
        source = source / shard.dataset
    if not source.is_dir():
        raise UserError(f"{source} of method {method} no longer exists; correct methods.{method}.path.")
    chosen = choose_clips(list(shard.ok()), subset)
    videos, clips = videos_by_clip(source), list(read_shard(shard_path, chosen))
    if clips and not any(clip.clip in videos for clip in clips):
        raise UserError(
            f"{source} of method {method} has none of the {len(clips)} clips of shard {shard.shard}; name videos by "
            f"clip, for instance {clips[0].clip}.mp4."
        )

    def work(name: str, clip: ShardClip) -> dict:
        if name not in videos:
            raise ClipFailed("missing_file", f"{source} has no video of it")
        frames, facts = fit_video(videos[name], len(clip.frames))
        write_video(output_folder / f"{name}.mp4", resize_frames(frames, clip.frames.shape[1]), clip.audio)
        return {"frames": len(frames), **facts}

    outcomes = process_clips(((clip.clip, clip) for clip in clips), work)
    return outcomes, [videos[outcome.clip] for outcome in outcomes if outcome.status == "ok"]


def videos_by_clip(folder: Path) -> dict[str, Path]:
    """{clip id: its video} of a folder whose videos are named after clips. Raises UserError for two of one name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in EXTENSIONS or path.name.startswith("."):
            continue
        if path.stem in found:
            raise UserError(f"{folder} has two videos of clip {path.stem}, {found[path.stem].name} and {path.name}.")
        found[path.stem] = path
    return found
