"""One picture: from a JPEG, PNG, ... of any size to a square of uint8. Pillow is imported when one is opened."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tasks.files.archives import BadArchive

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 2**26
"""Of one picture. A small file can hold a picture that fills the memory."""
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
GREY = frozenset({"1", "L", "LA"})
COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
Channels = Literal[1, 3]


def decode(content: bytes | Path, side: int, channels: Channels, name: str) -> np.ndarray:
    """A picture as uint8 (channels, side, side).

    It is turned as its EXIF orientation says; transparency is dropped; colour becomes grey by ITU-R BT.601 and grey is
    repeated over channels (Pillow's `convert`). The middle square, as large as the shorter side, is brought to `side`
    with Pillow's bilinear filter, which is widened where it shrinks (antialiasing). Raises BadArchive, in one line, for
    what is no whole picture.
    """
    from PIL import Image, ImageOps

    with _opened(content, name) as image:
        try:
            image.load()
            turned = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
        except Exception as problem:  # decoders and EXIF raise what they like: OSError, SyntaxError, struct.error, ...
            raise _refused(name, problem) from None
    edge = min(turned.size)
    left, top = (turned.width - edge) // 2, (turned.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    square = turned.crop(box)
    if edge != side:
        square = square.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(square).reshape(side, side, channels).transpose(2, 0, 1)


def channels_of(content: bytes | Path, name: str) -> Channels:
    """1 for a grey picture, 3 for one in colour, from its header alone. Raises BadArchive for what is no picture."""
    with _opened(content, name) as image:
        return 1 if image.mode in GREY else 3


def shorter_side_of(content: bytes | Path, name: str) -> int:
    """Pixels of the shorter side, from the header alone. Raises BadArchive for what is no picture."""
    with _opened(content, name) as image:
        return min(image.size)


def _opened(content: bytes | Path, name: str) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MOST_PIXELS refuses what Pillow warns of
            image = Image.open(file, formats=FORMATS)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as problem:
        raise _refused(name, problem) from None
    if image.width * image.height > MOST_PIXELS or image.mode not in GREY | COLOUR:
        what = f"{image.width}x{image.height} pixels of mode {image.mode}"
        image.close()
        raise BadArchive(f"{name}: {what}; allowed are at most {MOST_PIXELS} pixels of grey or colour, 8 bits each")
    return image


def _refused(name: str, problem: Exception) -> BadArchive:
    from PIL import UnidentifiedImageError

    if isinstance(problem, UnidentifiedImageError):
        return BadArchive(f"{name}: no picture of a known format ({', '.join(FORMATS)})")
    return BadArchive(f"{name}: cannot be read to its end ({' '.join(str(problem).split())[:200]})")
