"""How well a peak can be placed at all: the detector beside fits that know the truth. Prints its figures.

    python -m benchmarks.peak_bound --number 3000

The curves are the synthetic double descents that the detector calls, with known turning points. The bound fits the
two models these curves are drawn from, started at the true turning points and pulled towards them, and weighs
them by likelihood: it knows what no detector knows. What it still misses is noise.
"""

from __future__ import annotations

import numpy as np
import typer

from analysis.detector.peak_fit.peak_models import model_peak
from analysis.detector.peak_fit.peak_position import around
from analysis.detector.reread import judge
from analysis.detector.shape import Rule
from analysis.scoring.curve_families import POSITIVE
from analysis.scoring.score import PEAK_TOLERANCE, wilson
from analysis.scoring.synthetic import Labelled, cells

KNOWN = tuple(name for name in POSITIVE if name != "two_bumps")  # of two bumps the minima are not known


def distances(cell: Labelled) -> tuple[float, float] | None:
    """|ln| of found over true peak for the detector and for the bound; None where it is not called."""
    seen = np.isfinite(cell.errors).any(axis=0)
    judged = judge(cell.x[seen], cell.errors[:, seen], Rule())
    if judged.shape != "double_descent":
        return None
    truth, shapes = cell.truth, judged.shapes
    turns = np.log10(np.array([[truth.first_min, truth.peak, truth.second_min]], dtype=np.float64) + 1.0)
    at, curves = shapes.triples, shapes.curves
    triples = np.stack([at.first, at.peak, at.second], axis=1)
    arrays = (curves.values, curves.bin_error, curves.noise, curves.smooth)
    best = model_peak(around(curves.grid.position, *arrays, triples)._replace(turns=turns))[0]
    found = np.log10(shapes.peaks[0] + 1.0)
    return abs(found - turns[0, 1]) * np.log(10.0), abs(best - turns[0, 1]) * np.log(10.0)


def main(number: int = 3000, seed: int = 4002) -> None:
    for seeds in (1, 5):
        every = np.array([d for cell in cells(number, seeds, seed, KNOWN) if (d := distances(cell)) is not None])
        for name, right in zip(("detector", "bound"), (every <= PEAK_TOLERANCE).sum(axis=0), strict=True):
            print(f"{seeds} seed(s), {name}: peak within 15 % in {wilson(int(right), len(every))} of {len(every)}")


if __name__ == "__main__":
    typer.run(main)
