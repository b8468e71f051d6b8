"""Facts of a clip in the source manifest."""

from pathlib import Path

from dheads_model.corpora.plan import PlannedClip
from dheads_model.media.container import MediaFacts


def source_facts(clip: PlannedClip, path: Path, sha256: str, media: MediaFacts) -> dict:
    """Facts of a clip: its file, the file's media metadata, speaker and transcript."""
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "speaker": clip.speaker,
        "split": clip.split,
        "transcript": clip.transcript,
        "video_codec": media.video_codec,
        "width": media.width,
        "height": media.height,
        "fps": media.fps,
        "duration": media.duration,
        "audio_codec": media.audio_codec,
        "audio_rate": media.audio_rate,
        "audio_channels": media.audio_channels,
    }
