"""Sounds, images and videos whose content is known."""

import av
import numpy as np
from skimage.data import astronaut


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """`seconds` of 16 kHz int16 noise."""
    return (
        (3000 * np.random.default_rng(seed).normal(size=round(seconds * 16_000))).clip(-32768, 32767).astype(np.int16)
    )


def speech(length: int) -> np.ndarray:
    """`length` random int16 samples."""
    return np.random.default_rng(0).integers(-3000, 3000, length).astype(np.int16)


def picture(name):
    """RGB uint8 `[S, S, 3]`; whole-number arithmetic alone, so that it is the same everywhere."""
    kind, size, _, times = name.replace(",", "").split()
    size = int(size)
    y, x = np.mgrid[:size, :size]
    if kind == "face":
        made = astronaut()[:size, 160 : 160 + size].astype(np.int64)
    elif kind == "pale":
        made = 100 + astronaut()[:size, 160 : 160 + size].astype(np.int64) // 6
    elif kind == "waves":
        made = np.repeat(((x * x // 7 + 3 * y * (x % 11)) % 256)[..., None], 3, axis=2)
    else:
        made = np.repeat((40 * ((x + y // 3) // 9 % 6) + 5 * (y // 16 % 3))[..., None], 3, axis=2)
    for _ in range(int(times)):
        padded = np.pad(made, ((1, 1), (1, 1), (0, 0)), mode="edge")
        made = sum(padded[i : i + size, j : j + size] for i in range(3) for j in range(3)) // 9
    return made.astype(np.uint8)


COUNT = 60


def numbered(count=COUNT, height=96, width=128):
    """Pictures `[count, height, width, 3]` whose top row of eight blocks spells their number."""
    texture = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8 + 1, 3), dtype=np.uint8)
    pictures = np.stack([np.roll(texture.repeat(8, 0).repeat(8, 1)[:height, :width], i, 1) for i in range(count)])
    for number in range(count):
        for bit in range(8):
            pictures[number, :16, bit * 16 : bit * 16 + 16] = 255 * (number >> bit & 1)
    return pictures


def write_numbered(path, codec, options=None, keep=lambda number: True):
    """Write numbered pictures at 25 frames a second; only packets whose place in the file is kept are written."""
    pictures = numbered()
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "yuv420p"
        packets = [p for picture in pictures for p in stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24"))]
        for place, packet in enumerate([*packets, *stream.encode(None)]):
            if keep(place):
                container.mux(packet)
    return path
