"""Characters rendered from font files, as many as asked for: a source task without a download.

Each character of each font is drawn once at high resolution; an image is one of these under a small random affine map.
The fonts are those that matplotlib ships, so that every machine has the same.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from sweeps.seeds import Role
from tasks.class_lists import CHARACTERS
from tasks.dataset import Dataset, Samples
from tasks.streams import stream

CLASSES = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("cmr10", "cmb10", "cmss10", "cmtt10"),
)
"""Text fonts with all of `CLASSES`. Left out: symbol and display fonts, which lack them or draw something
else there (cmsy10, cmex10), cmmi10 with its old-style figures, and cmti10, which older releases of matplotlib
do not ship."""

CAP_HEIGHT = 0.8
"""Height of a capital as a share of the image; a common one per font keeps `o` smaller than `O`."""
WIDEST = 0.94
ROTATION = np.deg2rad(15.0)
SHIFT = 0.08
SCALE = (0.85, 1.1)
SHEAR = 0.15
DRAWN = 256
BLOCK = 512
"""Images are always made in whole blocks, counted from the stream's start, so that an image's bytes do not
depend on how many are asked for with it."""
TEST_SAMPLES = 1000


def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """The first `size` images of a role's stream: (size, 1, side, side) in [0, 1], and labels (size,).

    The classes take turns.
    """
    return render(classes, role, seed, side, 0, size)


def test(classes: tuple[int, ...], side: int) -> Samples:
    """About 1,000 images, as many of each class, from a stream of their own, the same in every run."""
    per_class = -(-TEST_SAMPLES // len(classes))
    return render(classes, "test", 0, side, 0, per_class * len(classes))


def render(classes: tuple[int, ...], role: Role, seed: int, side: int, start: int, stop: int) -> Samples:
    """Images `start` to `stop` of a stream, float32 (stop-start, 1, side, side) in steps of 1/255, and int64 labels."""
    letters = _atlas(classes, 2 * side)
    images = np.empty((stop - start, 1, side, side), dtype=np.float32)
    for block in range(start // BLOCK, -(-stop // BLOCK)):
        made = _block(letters, role, seed, side, block)
        first = block * BLOCK
        low, high = max(start, first), min(stop, first + BLOCK)
        images[low - start : high - start] = made[low - first : high - first]
    return images, np.arange(start, stop, dtype=np.int64) % len(classes)


def _block(letters: np.ndarray, role: Role, seed: int, side: int, block: int) -> np.ndarray:
    import torch
    from torch.nn.functional import avg_pool2d, grid_sample

    draws = stream(seed, role, "render", block).random((BLOCK, 7))
    label = (block * BLOCK + np.arange(BLOCK)) % letters.shape[0]
    font = (draws[:, 0] * len(FONTS)).astype(np.int64)
    inverse = torch.from_numpy(_inverse_maps(draws[:, 1:]))
    # Sampled at twice the side and averaged over 2x2 pixels: smooth edges at 8 pixels too.
    centre = (torch.arange(2 * side, dtype=torch.float32) * 2 + 1) / (2 * side) - 1
    across, down = centre[None, None, :], centre[None, :, None]
    a, b, c, d, e, f = (inverse[:, place, None, None] for place in range(6))
    grid = torch.stack((a * across + b * down + c, d * across + e * down + f), dim=-1)
    source = torch.from_numpy(letters[label, font])[:, None].float()
    warped = grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return (avg_pool2d(warped, 2).round_() / 255).numpy()


def _inverse_maps(draws: np.ndarray) -> np.ndarray:
    """Six uniform draws per image -> the map from image to glyph coordinates, both in [-1, 1]: float32 (N,
    6)."""
    signed = 2 * draws - 1
    angle, shear = signed[:, 0] * ROTATION, signed[:, 1] * SHEAR
    scale_x = SCALE[0] + (SCALE[1] - SCALE[0]) * draws[:, 2]
    scale_y = SCALE[0] + (SCALE[1] - SCALE[0]) * draws[:, 3]
    shift_x, shift_y = 2 * SHIFT * signed[:, 4], 2 * SHIFT * signed[:, 5]
    cos, sin = np.cos(angle), np.sin(angle)
    a, b = (cos + shear * sin) / scale_x, (sin - shear * cos) / scale_x
    d, e = -sin / scale_y, cos / scale_y
    return np.stack((a, b, -a * shift_x - b * shift_y, d, e, -d * shift_x - e * shift_y), 1).astype(np.float32)


@lru_cache(maxsize=4)
def _atlas(classes: tuple[int, ...], side: int) -> np.ndarray:
    """Every character in every font, ink 255 on 0: uint8 (classes, fonts, side, side)."""
    letters = np.empty((len(classes), len(FONTS), side, side), dtype=np.uint8)
    for column, font in enumerate(FONTS):
        for row, index in enumerate(classes):
            letters[row, column] = _drawn(font, CLASSES[index], side)
    return letters


def _drawn(font_name: str, character: str, side: int) -> np.ndarray:
    """A character centred by its ink, drawn at 256 pixels and averaged down to `side`."""
    from PIL import Image, ImageDraw

    font = _font(font_name)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    canvas = Image.new("L", (4 * DRAWN, 4 * DRAWN))
    middle = 2 * DRAWN
    origin = (middle - (left + right) / 2, middle - (top + bottom) / 2)
    ImageDraw.Draw(canvas).text(origin, character, font=font, fill=255, anchor="ls")
    # A wide bold W would leave the image at the common size: see a little more of the canvas, i.e. shrink it.
    half = max(DRAWN, (right - left) / WIDEST, (bottom - top) / WIDEST) / 2
    box = (middle - half, middle - half, middle + half, middle + half)
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX, box=box))


def _fonts() -> Path:
    """matplotlib's folder of fonts, found without its import, which fails where MPLBACKEND names what is not there."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise FileNotFoundError("task glyphs: matplotlib, whose fonts it draws, is missing; install it")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


@lru_cache(maxsize=len(FONTS))
def _font(name: str):
    """The font at the size where a capital H is `CAP_HEIGHT` of the image high."""
    from PIL import ImageFont

    path = _fonts() / f"{name}.ttf"
    if not path.is_file():
        raise FileNotFoundError(f"task glyphs: font {path} is missing; reinstall matplotlib")
    # The basic layout engine: the other one depends on a library that not every build of Pillow has.
    trial = ImageFont.truetype(str(path), 200, layout_engine=ImageFont.Layout.BASIC)
    _, top, _, bottom = trial.getbbox("H", anchor="ls")
    points = round(200 * CAP_HEIGHT * DRAWN / (bottom - top))
    return ImageFont.truetype(str(path), points, layout_engine=ImageFont.Layout.BASIC)


DATASET = Dataset(
    name="glyphs",
    classes=CLASSES,
    default=tuple(range(10, 36)),
    pool=None,
    limit=1_000_000,
    mean=0.209,
    std=0.375,
    train=train,
    test=test,
    held_out=lambda classes: -(-TEST_SAMPLES // len(classes)) * len(classes),
    class_list=CHARACTERS,
    citation=(
        "Rendered characters: drawn by Frostline from the DejaVu, STIX and Computer Modern fonts that ship with "
        "Matplotlib; J. D. Hunter (2007), Matplotlib: A 2D Graphics Environment, Computing in Science & "
        "Engineering 9(3), 90-95."
    ),
    licence="the fonts' own",
)
