"""IDX, the format of MNIST's files: a magic number, big-endian sizes, then bytes (LeCun, Cortes and Burges 1998)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.files.archives import BadArchive

UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, path: Path, dimensions: int) -> np.ndarray:
    """An array of uint8 with that many dimensions. Raises BadArchive, in one line, for anything else."""
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, UNSIGNED_BYTE, dimensions)):
        raise BadArchive(f"{path}: no IDX file of unsigned bytes in {dimensions} dimension(s)")
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4"))
    size = 1
    for length in shape:
        size *= length
    if len(content) - header != size:
        raise BadArchive(f"{path}: {len(content) - header} bytes, its header says {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
