"""Speed of the detector on a Parquet table of epochs, beside a groupby-apply with scipy. Prints its
figures.

    python -m benchmarks.detector --runs 10000 --epochs 4000

The table (runs x epochs rows, float32 errors, string run ids) is written first and not timed. Timed is
everything from the file to one verdict per run and their counts per shape. The rivals are pandas
groupby-apply over some of the runs of the same table, already in memory, in the same process, on one core:

- savgol + find_peaks: a filter and a prominence on the raw points, which answers less than the detector;
- turning points: means on log-spaced bins, savgol_filter, find_peaks, roughness, the lowest points on either
  side: the detector's outputs without its checks of spikes, steps and swings;
- turning points + resampling: for runs with a candidate peak also a significance, from 499 draws of the
  residuals about a fall and a rise fitted by isotonic_regression, as the test of one seed does; the detector
  decides by standard errors instead and draws nothing in this benchmark;
- isotonic fits: the curve with and without a peak, the choice of the turns included.
"""

from __future__ import annotations

import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import scipy
import typer
from scipy.optimize import isotonic_regression
from scipy.signal import find_peaks, savgol_filter

from analysis.families import FAMILIES
from analysis.stream import verdicts
from analysis.synthetic import labelled


def write_table(path: Path, runs: int, epochs: int) -> None:
    """Curves of every synthetic family in turn; 256 different means, each run with noise of its own."""
    rng = np.random.default_rng(0)
    families, x = list(FAMILIES), np.arange(epochs, dtype=np.float64)
    base: list[np.ndarray] = []
    while len(base) < 256:
        cell = labelled(families[len(base) % len(families)], 1, rng, epochs)
        known = np.isfinite(cell.errors[0])
        base.append(np.interp(x, cell.x[known], cell.errors[0][known]))
    fields = [("run_id", pa.string()), ("epoch", pa.int32()), ("test_error", pa.float32())]
    with pq.ParquetWriter(path, pa.schema(fields)) as writer:
        for begin in range(0, runs, 250):
            count = min(250, runs - begin)
            noise = 0.001 * rng.standard_normal((count, epochs))
            errors = np.clip(np.stack([base[(begin + i) % 256] for i in range(count)]) + noise, 0.0, 1.0)
            names = np.repeat([f"{begin + i:016x}" for i in range(count)], epochs)
            columns = [names, np.tile(np.arange(epochs), count), errors.astype(np.float32).ravel()]
            arrays = [pa.array(c, type=kind) for c, (_, kind) in zip(columns, fields, strict=True)]
            writer.write_table(pa.table(arrays, schema=pa.schema(fields)))


def by_peaks(run: pd.DataFrame) -> bool:
    smooth = savgol_filter(run["test_error"].to_numpy(), 51, 2)
    return len(find_peaks(smooth, prominence=0.02)[0]) > 0


def by_turning_points(run: pd.DataFrame, draws: int = 0) -> tuple[float, float, float, float, float] | None:
    """First minimum, peak and second minimum (bins), roughness, and p by resampling; None without a peak."""
    y = run["test_error"].to_numpy()
    label = np.floor(20.0 * np.log10(run["epoch"].to_numpy() + 1.0)).astype(np.intp)
    starts = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    values = np.add.reduceat(y, starts, dtype=np.float64) / np.diff(np.r_[starts, len(y)])
    smooth = np.asarray(savgol_filter(values, 7, 2))
    places, found = find_peaks(smooth, prominence=0.01)
    if not len(places):
        return None
    best = int(found["prominences"].argmax())
    peak = int(places[best])
    residual = values - smooth
    roughness = 1.4826 * float(np.median(np.abs(np.diff(y, 2)))) / 6**0.5
    first, second = int(smooth[:peak].argmin()), peak + int(smooth[peak:].argmin())
    if not draws:
        return first, peak, second, roughness, np.nan
    turn = int(values.argmin())
    left = isotonic_regression(values[: turn + 1], increasing=False).x
    right = isotonic_regression(values[turn:], increasing=True).x
    rng = np.random.default_rng(0)
    drawn = np.concatenate([left, right[1:]]) + rng.choice(residual, (draws, len(values)))
    m = np.asarray(savgol_filter(drawn, 7, 2, axis=1))
    before = np.minimum.accumulate(m, axis=1)
    after = np.minimum.accumulate(m[:, ::-1], axis=1)[:, ::-1]
    largest = (m - np.maximum(before, after)).max(axis=1)
    return first, peak, second, roughness, float(np.mean(largest >= found["prominences"][best]))


def by_resampling(run: pd.DataFrame) -> tuple[float, float, float, float, float] | None:
    return by_turning_points(run, draws=499)


def by_isotonic_fits(run: pd.DataFrame) -> bool:
    """Whether falls-rises-falls fits better than falls-rises, on every 40th point of a moving average."""
    y = np.asarray(savgol_filter(run["test_error"].to_numpy().astype(np.float64), 51, 2))[::40]
    n = len(y)

    def cost(part: np.ndarray, falling: bool) -> float:
        return float(((part - isotonic_regression(part, increasing=not falling).x) ** 2).sum()) if len(part) else 0.0

    falls = np.array([cost(y[:t], True) for t in range(n + 1)])
    two = min(falls[t] + cost(y[t:], False) for t in range(n + 1))
    three = min(
        falls[i] + cost(y[i:k], False) + cost(y[k:], True) for i in range(0, n, 10) for k in range(i + 10, n, 10)
    )
    return two > 2.0 * three


RIVALS: dict[str, Callable[[pd.DataFrame], object]] = {
    "savgol + find_peaks": by_peaks,
    "turning points": by_turning_points,
    "turning points + resampling": by_resampling,
    "isotonic fits": by_isotonic_fits,
}


def rate(judge: Callable[[pd.DataFrame], object], table: pd.DataFrame) -> float:
    """Rows per second of a groupby-apply."""
    begin = time.perf_counter()
    table.groupby("run_id", sort=False)[["epoch", "test_error"]].apply(judge)
    return len(table) / (time.perf_counter() - begin)


def main(runs: int = 10_000, epochs: int = 4_000, sample: int = 200, workers: int = 2) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "epochs.parquet"
        write_table(path, runs, epochs)
        size = path.stat().st_size / 1e9
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        begin = time.perf_counter()
        found = verdicts(path, workers=workers)
        counts = found.group_by("shape").agg(pl.len(), pl.col("prominence").mean()).sort("shape")
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        ours = runs * epochs / seconds
        print(counts)
        print(f"{runs} runs x {epochs} epochs = {runs * epochs / 1e6:.1f} M rows, {size:.2f} GB of Parquet")
        memory = f"peak memory {peak:.2f} GB ({before:.2f} before)"
        print(f"detector: {seconds:.1f} s, {ours / 1e6:.2f} M rows/s, {memory}")
        some = pd.read_parquet(path, filters=[("run_id", "<", f"{min(sample, runs):016x}")])
        for name, judge in RIVALS.items():
            theirs = rate(judge, some)
            ratio = f"ratio {ours / theirs:.1f}"
            print(f"groupby-apply, {name}: {theirs / 1e6:.3f} M rows/s ({min(sample, runs)} runs); {ratio}")
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}, polars {pl.__version__}"
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    typer.run(main)
