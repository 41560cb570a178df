"""The learning curves of all runs as bytes that the page carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.tables.curves import Curves, Rows

MOST_POINTS = 2_000_000
"""Epochs of all runs together that a page holds; of longer curves it holds fewer, spread evenly over log(epoch)."""
STEPS = 65_534
"""Steps between 0 and 1 that errors are rounded to; the code after them stands for a missing value."""


@dataclass(frozen=True)
class PackedCurves:
    """data: for each run the test errors, then the train errors, then, where `about` says so, the epochs (uint32).

    about: for JSON: `lengths` (points of each run), `kind` (`u2`: uint16 of STEPS, `f4`: float32), `epochs` (whether
    they are told; else 1, 2, 3, ...), `precision` in words. All numbers are little-endian.
    """

    data: bytes
    about: dict[str, Any]


def pack(curves: Curves, most: int = MOST_POINTS) -> PackedCurves:
    """Round and thin the curves for the page. Errors between 0 and 1 take two bytes each, any other four."""
    total = int(curves.offsets[-1])
    lengths = curves.lengths()
    thinned = total > most
    kept = [_kept(int(length), most / total if thinned else 1.0) for length in lengths]
    both = np.concatenate([curves.test_error, curves.train_error])
    known = both[np.isfinite(both)]
    small = not len(known) or (known.min() >= 0.0 and known.max() <= 1.0)
    told = thinned or curves.epoch is not None
    parts = [
        part
        for begin, places in zip(curves.offsets[:-1], kept, strict=True)
        for part in _run(curves, int(begin), places, small, told)
    ]
    about = {
        "lengths": [len(places) for places in kept],
        "kind": "u2" if small else "f4",
        "steps": STEPS,
        "epochs": told,
        "precision": _precision(small, thinned, int(lengths.max(initial=0)), max(map(len, kept), default=0)),
    }
    return PackedCurves(b"".join(parts), about)


def _kept(length: int, share: float) -> Rows:
    if share >= 1.0 or length < 3:
        return np.arange(length)
    wanted = max(2, int(share * length))
    return np.unique(np.round(np.geomspace(1, length, wanted)).astype(np.intp)) - 1


def _run(curves: Curves, begin: int, places: Rows, small: bool, told: bool) -> list[bytes]:
    errors = [values[begin + places] for values in (curves.test_error, curves.train_error)]
    parts = [_rounded(each) if small else each.astype("<f4").tobytes() for each in errors]
    if told:
        epochs = places + 1 if curves.epoch is None else curves.epoch[begin + places]
        parts.append(epochs.astype("<u4").tobytes())
    return parts


def _rounded(errors: NDArray[np.float64]) -> bytes:
    codes = np.where(np.isfinite(errors), np.round(np.nan_to_num(errors) * STEPS), STEPS + 1)
    return codes.astype("<u2").tobytes()


def _precision(small: bool, thinned: bool, longest: int, most: int) -> str:
    rounded = f"rounded to {100 / STEPS:.4f} points" if small else "rounded to seven digits"
    fewer = f"; of {longest:,} epochs at most {most:,} are kept, spread evenly over their logarithm" if thinned else ""
    return f"Curves on this page are {rounded}{fewer}; the files have every epoch in full."
