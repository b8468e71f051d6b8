"""Reading a photo in any common format as upright 8-bit RGB of bounded size."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from dheads_model.errors import UserError

# Formats that Pillow opens by itself; for some others it starts external programs.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "JPEG2000", "TIFF", "BMP", "GIF", "PPM")
# Enough for a face that fills a tenth of the image; a larger photo only needs memory.
LARGEST_SIDE = 4096


def read_photo(path: Path | str) -> np.ndarray:
    """Image uint8 RGB `[H, W, 3]`, rotated by its EXIF orientation, its longer side at most LARGEST_SIDE pixels.

    Grey is converted to RGB, 16 bit to 8, transparent pixels to white; of several images in a file the first is used.
    Raises UserError when the file is missing, not an image, damaged, or has hundreds of millions of pixels.
    """
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder; give the path of one photo.")
    if not Path(path).is_file():
        raise UserError(f"there is no image {path}; give the path of a photo.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode(path)
    except Image.DecompressionBombError as problem:
        raise UserError(f"{path} has more pixels than any photo needs; save it smaller.") from problem
    except Image.UnidentifiedImageError as problem:
        raise UserError(f"{path} is not a readable image; give a JPEG, PNG, WebP, AVIF or TIFF.") from problem
    except MemoryError:
        raise
    except Exception as problem:  # decoders raise many types of errors for damaged files
        raise UserError(f"{path} cannot be decoded as an image ({problem}); save it again as JPEG or PNG.") from problem


def _decode(path: Path | str) -> np.ndarray:
    Image.init()
    with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        # JPEG can be decoded at a half, a quarter or an eighth of its size, but not smaller than this size.
        image.draft(None, (LARGEST_SIDE, LARGEST_SIDE))
        upright = _rgb(ImageOps.exif_transpose(image))
        upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return np.array(upright)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would clip values above 255.
        values = np.asarray(image, dtype=np.float64)
        return Image.fromarray((values / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its brightness is stored as decimal numbers")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")
