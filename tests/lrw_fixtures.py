"""A small tree in the layout of LRW, of synthetic pictures and sounds, and its archive cut into parts."""

import functools
import io
import tarfile
from pathlib import Path

import numpy as np

from dheads_model.corpora.lrw.parts import PART_NAMES
from dheads_model.media.encode import encode_video

# Names repeat from split to split, as the real ones do.
SMALL = {
    ("ABOUT", "train"): (1, 2, 3),
    ("ABOUT", "val"): (1,),
    ("ABOUT", "test"): (1, 2),
    ("YOUNG", "train"): (1, 2),
    ("YOUNG", "val"): (1,),
    ("YOUNG", "test"): (1, 50),
}
SECONDS = {"ABOUT": 0.28, "YOUNG": 0.4}


@functools.cache
def clip_bytes(brightness: int = 90, frames: int = 29, sounding: int = 29, size: int = 256) -> bytes:
    """An mp4 of `frames` pictures at 25 a second and 16 kHz AAC: a square that moves, a click at the middle frame.

    Of 29 frames PyAV decodes 19,456 samples, as of a real clip. sounding: how many frames have sound, 0 for no track.
    """
    pictures = np.full((frames, size, size, 3), brightness, np.uint8)
    for number, picture in enumerate(pictures):
        picture[size // 3 : size // 2, 4 * number : 4 * number + size // 4] = 220
    if sounding == frames:
        return encode_video(pictures, _sound(frames), crf=30)
    return _with_short_sound(pictures, sounding) if sounding else encode_video(pictures, crf=30)


def text(seconds: float) -> str:
    """The text beside a clip: five lines, of which the loaders read the last."""
    return f"Disk reference: 1\nChannel: 1\nProgram start: 0\nClip start: 0\nDuration: {seconds} seconds\n"


def make_tree(folder: Path, clips: dict[tuple[str, str], tuple[int, ...]] = SMALL, media: bytes | None = None) -> Path:
    """lipread_mp4 in `folder` with an mp4 and a text for each (word, split) and number; media: the bytes of each mp4."""
    for (word, split), numbers in clips.items():
        home = folder / "lipread_mp4" / word / split
        home.mkdir(parents=True, exist_ok=True)
        content = clip_bytes(brightness=40 + 7 * len(word)) if media is None else media
        for number in numbers:
            (home / f"{word}_{number:05d}.mp4").write_bytes(content)
            (home / f"{word}_{number:05d}.txt").write_text(text(SECONDS.get(word, 0.5)))
    return folder / "lipread_mp4"


def pack(tree: Path, compression: str = "", form: int = tarfile.GNU_FORMAT) -> bytes:
    """The bytes of a tar ("") or tar.bz2 ("bz2") of lipread_mp4."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=f"w:{compression}", format=form) as tar:
        tar.add(tree, arcname="lipread_mp4")
    return target.getvalue()


def split(archive: bytes, folder: Path, count: int = 7) -> list[Path]:
    """The archive cut into parts of one size, the last one shorter, under the corpus' names."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(archive) // count)
    parts = [folder / name for name in PART_NAMES[:count]]
    for number, part in enumerate(parts):
        part.write_bytes(archive[number * size : (number + 1) * size])
    return parts


def _sound(frames: int) -> np.ndarray:
    sound = np.random.default_rng(3).integers(-60, 60, 640 * frames).astype(np.int16)
    sound[640 * (frames // 2) : 640 * (frames // 2) + 64] = 20_000
    return sound


def _with_short_sound(pictures: np.ndarray, sounding: int) -> bytes:
    """Streams of different lengths in one mp4: the pictures as they are encoded, the sound of fewer frames."""
    import av

    target = io.BytesIO()
    with (
        av.open(io.BytesIO(encode_video(pictures, crf=30))) as pictured,
        av.open(io.BytesIO(encode_video(pictures[:sounding], _sound(sounding), crf=30))) as heard,
        av.open(target, "w", format="mp4") as container,
    ):
        streams = [(pictured, pictured.streams.video[0]), (heard, heard.streams.audio[0])]
        for source, stream in streams:
            copy = container.add_stream_from_template(stream)
            streams[streams.index((source, stream))] = (source, stream, copy)
        for source, stream, copy in streams:
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    container.mux(packet)
    return target.getvalue()
