"""A still picture of any common kind -> upright 8 bit RGB of bounded size."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dheads_model.errors import UserError

# Kinds that Pillow opens by itself: for some others it starts programs of the system.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "JPEG2000", "TIFF", "BMP", "GIF", "PPM")
# Enough for a face that fills a tenth of the picture; a larger photo only costs memory.
LARGEST_SIDE = 4096


def read_photo(path: Path | str) -> np.ndarray:
    """Picture uint8 RGB `[H, W, 3]`, turned as its EXIF data say, its longer side at most LARGEST_SIDE pixels.

    Grey becomes RGB, 16 bit become 8, what is transparent becomes white; of several pictures in a file the first counts.
    Raises UserError when there is no such file, or it is no picture, damaged, or of hundreds of millions of pixels.
    """
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder; give the path of one photo.")
    if not Path(path).is_file():
        raise UserError(f"there is no picture {path}; give the path of a photo.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode(path)
    except Image.DecompressionBombError as problem:
        raise UserError(f"{path} has more pixels than any photo needs; save it smaller.") from problem
    except Image.UnidentifiedImageError as problem:
        raise UserError(f"{path} is no picture that can be read; give a JPEG, PNG, WebP, AVIF or TIFF.") from problem
    except MemoryError:
        raise
    except Exception as problem:  # decoders meet damaged files with errors of many kinds
        raise UserError(f"{path} cannot be decoded as a picture ({problem}); save it anew as JPEG or PNG.") from problem


def _decode(path: Path | str) -> np.ndarray:
    Image.init()
    with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        # JPEG can be decoded at a half, a quarter or an eighth of its size; the side asked for stays the smallest.
        image.draft(None, (LARGEST_SIDE, LARGEST_SIDE))
        upright = _rgb(ImageOps.exif_transpose(image))
        upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return np.array(upright)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would cut off what lies above 255.
        values = np.asarray(image, dtype=np.float64)
        return Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its brightness is stored as decimal numbers")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")
