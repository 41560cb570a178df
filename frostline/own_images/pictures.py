"""What a folder (or a table) of one's own images holds, as far as the choice of a sweep needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from safetensors import SafetensorError, safe_open

from sweeps.errors import InputError
from tasks.files import known
from tasks.files.archives import BadArchive, MissingData
from tasks.files.folders import read_content
from tasks.files.pictures import Channels, shorter_side_of

MOST_OPENED = 100
"""Pictures whose size is looked at, evenly spread."""
LARGEST_SIDE, SMALLEST_SIDE = 64, 8
"""Of the images that a network reads, where nobody says: as `frostline data` has it, and what a network needs."""


@dataclass(frozen=True)
class Pictures:
    """train, test: numbers of images; classes: their names; side: the median of the shorter sides, SMALLEST_SIDE to
    LARGEST_SIDE; channels: 1 where all are grey."""

    path: Path
    train: int
    test: int
    classes: tuple[str, ...]
    side: int
    channels: Channels


def look_at(path: Path) -> Pictures:
    """Read what is at a path, as the task `images` does. Raises InputError, in one line."""
    try:
        content = read_content(path.expanduser())
        record = known.remember(path.expanduser(), content)
        files = content.files["train"]
        some = files[:: max(1, len(files) // MOST_OPENED)]
        side = round(median(shorter_side_of(file, str(file)) for file in some))
    except (MissingData, BadArchive, ValueError, RuntimeError) as problem:
        raise InputError(f"--images {problem}") from None
    return Pictures(
        path=path,
        train=sum(record.counts["train"]),
        test=sum(record.counts["test"]),
        classes=record.classes,
        side=min(LARGEST_SIDE, max(SMALLEST_SIDE, side)),
        channels=record.channels,
    )


def channels_of_weights(path: Path) -> Channels | None:
    """Colour channels that the first convolution of a file of weights reads: 1 where some convolution reads a single
    one, 3 where one reads three. Right for networks without depthwise convolutions.

    None where none reads 1 or 3, and for what is no safetensors file: the plan says what is wrong with it.
    """
    try:
        with safe_open(path.expanduser(), framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - it is no dict
    except (OSError, RuntimeError, SafetensorError):
        return None
    read = {shape[1] for shape in shapes if len(shape) == 4}
    return 1 if 1 in read else 3 if 3 in read else None
