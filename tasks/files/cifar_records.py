"""The records of CIFAR's binary archives: bytes of labels, then 3,072 of pixels, the red plane, green, blue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tasks.files.archives import BadArchive, read_members
from tasks.files.draft import Draft
from tasks.files.prepared import SplitName

PIXELS = 3 * 32 * 32
MOST_RECORDS = 50_000


def write_splits(
    draft: Draft, archive: Path, splits: Mapping[SplitName, Sequence[str]], limits: Sequence[int], label: int
) -> None:
    """Write the splits of a draft from an archive's members, given by name.

    A record begins with `len(limits)` labels, each below its limit; the place of the one in use is `label`. Raises
    BadArchive, in one line, for what is no such archive.
    """
    record = len(limits) + PIXELS
    names = [name for split in splits.values() for name in split]
    content = read_members(archive, names, MOST_RECORDS * record)
    for split, batches in splits.items():
        images, labels = _records(archive, b"".join(content[name] for name in batches), limits)
        draft.write(split, images, labels[:, label])


def _records(path: Path, content: bytes, limits: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32) and labels uint8 (N, len(limits))."""
    records = np.frombuffer(content, dtype=np.uint8)
    length = len(limits) + PIXELS
    if len(records) % length or not len(records):
        raise BadArchive(f"{path}: {len(records)} bytes of batches are no whole number of {length}-byte records")
    records = records.reshape(-1, length)
    labels = records[:, : len(limits)]
    for place, limit in enumerate(limits):
        if (labels[:, place] >= limit).any():
            raise BadArchive(f"{path}: label {labels[:, place].max()} found, allowed are 0 to {limit - 1}")
    return records[:, len(limits) :].reshape(-1, 3, 32, 32), labels
