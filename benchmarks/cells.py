"""Speed of full verdicts on cells of five seeds, beside groupby-apply that answers the same. Prints its figures.

    python -m benchmarks.cells --cells 400 --epochs 4000

A full verdict is the shape, the three points with 95 % intervals over seeds, and a significance. Ours is the one that
`tables` computes for each cell, in one pass over all runs, and cell by cell. The rivals are pandas groupby-apply with
scipy over some of the same cells, in the same process, on one core. All see one table of run, seed, epoch and error
in memory.

- seeds resampled: log-spaced bins and savgol_filter for every seed; find_peaks on their mean; 999 resamples of the
  seeds, whose turning points give the intervals, and two scipy.stats.ttest_rel at the triple, the larger p of which
  is the significance (not corrected for choosing the triple, which ours is);
- scipy.stats.bootstrap: the same with that function at its defaults (9,999 resamples, BCa) for the intervals.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy
import typer
from scipy.signal import find_peaks, savgol_filter
from scipy.stats import bootstrap, ttest_rel

from analysis.detector.descent import detect, detect_cells
from analysis.scoring.curve_families import FAMILIES
from analysis.scoring.synthetic import labelled

SEEDS = 5


def drawn(cells: int, epochs: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Synthetic cells of every family in turn, those that are logged at every epoch and complete."""
    found: list[np.ndarray] = []
    families = list(FAMILIES)
    number = 0
    while len(found) < cells:
        cell = labelled(families[number % len(families)], SEEDS, np.random.default_rng(number), epochs)
        number += 1
        if len(cell.x) == epochs and np.isfinite(cell.errors).all():
            found.append(cell.errors)
    return np.arange(epochs, dtype=np.float64), found


def as_table(x: np.ndarray, cells: list[np.ndarray]) -> pd.DataFrame:
    points = len(x)
    return pd.DataFrame(
        {
            "cell": np.repeat(np.arange(len(cells)), SEEDS * points),
            "seed": np.tile(np.repeat(np.arange(SEEDS), points), len(cells)),
            "epoch": np.tile(x, SEEDS * len(cells)),
            "test_error": np.concatenate([cell.ravel() for cell in cells]),
        }
    )


def _smooth(cell: pd.DataFrame) -> np.ndarray:
    """(seeds, bins): means over bins of log-epochs, then a filter."""
    y = cell["test_error"].to_numpy().reshape(SEEDS, -1)  # rows are ordered, as in our tables
    label = np.floor(20.0 * np.log10(cell["epoch"].to_numpy()[: y.shape[1]] + 1.0)).astype(np.intp)
    starts = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    values = np.add.reduceat(y, starts, axis=1) / np.diff(np.r_[starts, y.shape[1]])
    return np.asarray(savgol_filter(values, 7, 2, axis=1))


def _turning_points(mean: np.ndarray, peak: int) -> np.ndarray:
    """Places and errors of the three points near a known peak. mean: (..., bins). Returns (6, ...)."""
    near = slice(max(0, peak - 5), peak + 6)
    top = near.start + mean[..., near].argmax(axis=-1)
    bins = np.arange(mean.shape[-1])
    first = np.where(bins < top[..., None], mean, np.inf).argmin(axis=-1)
    second = np.where(bins > top[..., None], mean, np.inf).argmin(axis=-1)
    places = np.stack([first, top, second])
    errors = [np.take_along_axis(mean, place[..., None], axis=-1)[..., 0] for place in places]
    return np.concatenate([places, np.stack(errors)])


def _verdict(
    cell: pd.DataFrame, intervals: Callable[[np.ndarray, int], np.ndarray]
) -> tuple[str, np.ndarray, np.ndarray, float] | str:
    seeds = _smooth(cell)
    mean = seeds.mean(axis=0)
    places, found = find_peaks(mean, prominence=0.01)
    if not len(places):
        rise = mean[mean.argmin() :].max() - mean.min()
        moving = abs(mean[-1] - mean[-5]) > 0.05 * rise
        return "monotone" if rise < 0.01 else "u_shaped" if moving else "plateau"
    peak = int(places[found["prominences"].argmax()])
    points = _turning_points(mean, peak)
    first, top, second = points[:3].astype(int)
    p = max(float(ttest_rel(seeds[:, top], seeds[:, other], alternative="greater").pvalue) for other in (first, second))
    return "double_descent", points, intervals(seeds, peak), p


def resampled_seeds(seeds: np.ndarray, peak: int) -> np.ndarray:
    chosen = np.random.default_rng(0).integers(0, len(seeds), (999, len(seeds)))
    return np.quantile(_turning_points(seeds[chosen].mean(axis=1), peak), [0.025, 0.975], axis=1)


def scipy_bootstrap(seeds: np.ndarray, peak: int) -> np.ndarray:
    def statistic(chosen: np.ndarray, axis: int) -> np.ndarray:
        assert axis == -1  # of the numbers of the seeds; their curves have one axis more
        return _turning_points(seeds[chosen.astype(np.intp)].mean(axis=-2), peak)

    with np.errstate(invalid="ignore", divide="ignore"):  # BCa of a point that never moves
        return np.array(bootstrap((np.arange(len(seeds)),), statistic, axis=-1, rng=0).confidence_interval)


def main(cells: int = 400, epochs: int = 4_000, sample: int = 60) -> None:
    x, errors = drawn(cells, epochs)
    trains = [np.full_like(cell, np.nan) for cell in errors]
    rows = SEEDS * epochs

    def timed(name: str, number: int, work: Callable[[], object]) -> float:
        begin = time.process_time()
        work()
        seconds = (time.process_time() - begin) / number
        print(f"{name}: {1e3 * seconds:.1f} ms a cell, {rows / seconds / 1e6:.2f} M rows/s ({number} cells)")
        return seconds

    def in_batches() -> None:
        for begin in range(0, cells, 50):
            detect_cells(x, errors[begin : begin + 50], trains[begin : begin + 50])

    ours = timed("detect_cells, 50 at a time", cells, in_batches)
    some = min(sample, cells)
    timed("detect, one by one", some, lambda: [detect(x, cell) for cell in errors[:some]])
    table = as_table(x, errors[:some])
    rivals = {
        "groupby-apply, seeds resampled": resampled_seeds,
        "groupby-apply, scipy.stats.bootstrap": scipy_bootstrap,
    }
    for name, rival in rivals.items():
        grouped = table.groupby("cell", sort=False)[["epoch", "test_error"]]
        theirs = timed(name, some, lambda grouped=grouped, rival=rival: grouped.apply(_verdict, intervals=rival))
        print(f"    ratio {theirs / ours:.1f}")
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}"
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"processor times; {machine}, Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    typer.run(main)
