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
- isotonic fits: the curve with and without a peak, the choice of the turns included;
- smoothing spline: scipy's, over the bins, its smoothness chosen by generalised cross-validation, and find_peaks: what
  scipy has for a curve of unknown noise.

Speed is half of it: beside each stands F1 of double descent on single-seed curves of known shape and that length.
"""

from __future__ import annotations

import os
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import scipy
import typer

from analysis.detector.descent import detect_many
from analysis.logs.stream import verdicts
from analysis.scoring.curve_families import FAMILIES, POSITIVE
from analysis.scoring.synthetic import Labelled, labelled
from benchmarks.detector_rivals import RIVALS, called, rate


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


OURS = "Frostline"


def scores(number: int, epochs: int) -> dict[str, float]:
    """F1 of double descent of the detector and the rivals, on the same curves, logged at every epoch and complete."""
    truth: list[bool] = []
    said: dict[str, list[bool]] = {name: [] for name in (OURS, *RIVALS)}
    for cell in complete(number, epochs):
        truth.append(cell.family in POSITIVE)
        said[OURS].append(bool(detect_many(cell.x, cell.errors).shape[0] == "double_descent"))
        run = pd.DataFrame({"epoch": cell.x, "test_error": cell.errors[0].astype(np.float32)})
        for name, judge in RIVALS.items():
            said[name].append(called(judge(run)))
    return {name: f1(np.array(truth), np.array(answers)) for name, answers in said.items()}


def complete(number: int, epochs: int) -> Iterator[Labelled]:
    """Single-seed curves of every family in turn."""
    drawn = (labelled(family, 1, np.random.default_rng(i), epochs) for i, family in enumerate(cycle(FAMILIES)))
    whole = (cell for cell in drawn if len(cell.x) == epochs and np.isfinite(cell.errors).all())
    return islice(whole, number)


def f1(truth: np.ndarray, said: np.ndarray) -> float:
    right = int((truth & said).sum())
    return 2.0 * right / max(1, int(truth.sum()) + int(said.sum()))


def main(runs: int = 10_000, epochs: int = 4_000, sample: int = 200, workers: int = 2, scored: int = 600) -> None:
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
        found_f1 = scores(scored, epochs)
        print(f"detector: {seconds:.1f} s, {ours / 1e6:.2f} M rows/s, {memory}; F1 {found_f1[OURS]:.3f}")
        some = pd.read_parquet(path, filters=[("run_id", "<", f"{min(sample, runs):016x}")])
        for name, judge in RIVALS.items():
            theirs = rate(judge, some)
            ratio = f"ratio {ours / theirs:.1f}, F1 {found_f1[name]:.3f}"
            print(f"groupby-apply, {name}: {theirs / 1e6:.3f} M rows/s ({min(sample, runs)} runs); {ratio}")
        print(f"F1 on {scored} curves of {epochs} epochs")
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}, polars {pl.__version__}"
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    typer.run(main)
