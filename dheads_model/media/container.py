"""Opening media files: metadata of the container and its tracks."""

import contextlib
import errno
import functools
import io
import os
from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import ClipFailed, ClipFiltered

# The largest common video size, cinema 8K. A decoder holds up to 16 frames: 0.9 GB at this size.
MOST_PIXELS = 8192 * 4352
# Playlists, image sequences, session descriptions, filters.
_FORMATS_OF_REFERENCES = (
    "avisynth", "concat", "dash", "hls", "image2", "imf", "lavfi", "rtp", "rtsp", "sap", "sdp", "vapoursynth", "webm_dash",
)  # fmt: skip


@dataclass(frozen=True)
class MediaFacts:
    """Metadata of a container. Times and durations in seconds; audio fields are None without an audio track.

    width, height: as stored; of an opened VideoReader as displayed, after the rotation stated in the file.
    """

    width: int
    height: int
    fps: float
    duration: float
    video_codec: str
    video_start: float
    audio_codec: str | None
    audio_start: float | None
    audio_rate: int | None
    audio_channels: int | None


def probe(path: Path | str) -> MediaFacts:
    """Facts of a media file; raises ClipFailed (missing_file, unreadable) and ClipFiltered (no_video, too_large)."""
    with open_container(path) as container:
        video = video_stream(container)
        audio = container.streams.audio[0] if container.streams.audio else None
        for stream in (video, audio):
            if stream is not None and stream.codec_context is None:
                raise ClipFailed("unreadable", f"there is no decoder for the {stream.type} track")
        rate = video.average_rate or video.guessed_rate or video.base_rate
        return MediaFacts(
            width=video.codec_context.width,
            height=video.codec_context.height,
            fps=round(float(rate), 4) if rate else 0.0,
            duration=round(float(container.duration or 0) / 1e6, 3),
            video_codec=video.codec_context.name,
            video_start=start_of(video),
            audio_codec=audio.codec_context.name if audio else None,
            audio_start=start_of(audio) if audio else None,
            audio_rate=audio.codec_context.sample_rate if audio else None,
            audio_channels=audio.codec_context.channels if audio else None,
        )


@contextlib.contextmanager
def open_container(source):
    """PyAV's container of a path or of bytes in memory, closed at the end of the block.

    Raises ClipFailed: missing_file, unreadable, or damaged if packets belong to no track.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        # Absolute, because FFmpeg interprets the text before a colon as a protocol.
        opened = source if isinstance(source, io.BytesIO) else os.path.abspath(source)
        container = av.open(opened, metadata_errors="ignore", container_options={"format_whitelist": _formats()})
    except FileNotFoundError as problem:
        raise ClipFailed("missing_file", f"{source} is not there") from problem
    except (av.error.FFmpegError, OSError) as problem:
        if getattr(problem, "errno", None) in (errno.EMFILE, errno.ENFILE):
            raise
        raise ClipFailed("unreadable", str(problem)) from problem
    with container:
        try:
            yield container
        except IndexError as problem:
            # From PyAV, at the end of a file in which FFmpeg found a stream that was unknown when it was opened.
            raise ClipFailed("damaged", "a packet in the middle of the file belongs to no track") from problem


@functools.cache
def _formats() -> str:
    """FFmpeg's formats without those whose files refer to other files or addresses, which FFmpeg would open."""
    import av

    return ",".join(sorted(name for name in av.formats_available if not name.startswith(_FORMATS_OF_REFERENCES)))


def video_stream(container):
    """The first video stream that is not the cover art of an audio file.

    Raises ClipFiltered: no_video, or too_large for frames of more than MOST_PIXELS; the decoder stops if later frames
    are larger.
    """
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            context = stream.codec_context
            if context is not None:
                if context.width * context.height > MOST_PIXELS:
                    raise ClipFiltered(
                        "too_large",
                        f"{context.width} x {context.height} pixels, {MOST_PIXELS / 1e6:.0f} million are allowed; "
                        "save it smaller",
                    )
                context.options = {"max_pixels": str(MOST_PIXELS)}
            return stream
    raise ClipFiltered("no_video", "the file has no video track")


def start_of(stream) -> float:
    """Time at which a track starts, seconds on the container's clock."""
    return float((stream.start_time or 0) * stream.time_base)
