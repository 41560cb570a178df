"""What commands read and the folder that they write to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.tables.load import StoredSweep


def stored(sweep: str, store: str) -> StoredSweep:
    """What the store has of a sweep, a file or a name. Raises InputError, StoreError."""
    from analysis.tables.load import read_sweep
    from sweeps.sweep import read

    return read_sweep(read(sweep), store)


def settle(folder: Path, of: StoredSweep, files: Iterable[Path], drew_figures: bool = True) -> None:
    """What an earlier version of the sweep left in the folder is removed, or named."""
    from analysis.report.leftovers import settle as settle_files

    for line in settle_files(folder, of.record, files, drew_figures):
        print(line, file=sys.stderr)


def result_folder(of: StoredSweep, out: Path | None) -> Path:
    """The folder to write to, made if need be: results/<sweep name> by default."""
    return made(out if out is not None else Path("results") / of.record.name)


def made(folder: Path) -> Path:
    """The folder, made if need be."""
    from analysis.tables.load import StoreError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(f"--out {folder}: {problem.strerror}; it must be a folder that can be written") from None
    if not os.access(folder, os.W_OK):
        raise StoreError(f"--out {folder}: cannot be written")
    return folder
