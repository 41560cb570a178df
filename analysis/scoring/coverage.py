"""Do intervals called 95 % cover 95 %? Gaussian noise, known truth: means, short axes, epochs.

`python -m analysis.scoring.coverage` prints the tables of docs/detection.md.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from analysis.detector.descent import detect_cells
from analysis.detector.over_seeds import POINTS
from analysis.detector.shape import Rule
from analysis.detector.short_axis.axis_scale import natural_scale
from analysis.detector.short_axis.reading import read
from analysis.detector.short_axis.replicates import replicates
from analysis.detector.short_axis.verdict_on_axis import AxisReading, with_turns
from analysis.detector.verdict import Point, Verdict
from analysis.scoring.known_curve import Curve, through
from analysis.scoring.score import Rate, wilson
from analysis.statistics.intervals import intervals

SEEDS = (2, 3, 5, 10)
READ_DRAWS = 99  # of the test that names the peak: it is far beyond doubt here
POINTS_OF_AXIS = 12
BATCH = 250  # cells of epochs read together


def means(number: int, seed: int, counts: Sequence[int] = range(2, 11)) -> dict[int, Rate]:
    """Share of Student's intervals of `n` Gaussian values that hold their mean, by n."""
    rng = np.random.default_rng(seed)
    found = {n: intervals(rng.standard_normal((number, n))) for n in counts}
    return {n: wilson(int(((ends[:, 0] <= 0.0) & (ends[:, 1] >= 0.0)).sum()), number) for n, ends in found.items()}


def short_axis(number: int, seeds: int, seed: int) -> dict[str, Rate]:
    """Shares of intervals that hold the truth on an axis of 12 points: of errors (at the reported place), of places
    (the turning points of the noise-free curve, which lie anywhere between two points) and of the strength."""
    return _shares(_short_verdicts(number, seeds, seed), number)


def epochs(number: int, seeds: int, seed: int, sharp: bool = False) -> dict[str, Rate]:
    """The same on 200 epochs. sharp: straight lines meet at the turns, so that the peak's tip is one epoch."""
    return _shares(_epoch_verdicts(number, seeds, seed, sharp), number)


def _short_verdicts(number: int, seeds: int, seed: int) -> Iterator[tuple[Verdict, Curve]]:
    x = np.arange(float(POINTS_OF_AXIS))
    for stream in np.random.SeedSequence(seed).spawn(number):
        rng = np.random.default_rng(stream)
        first, peak = rng.uniform(1.5, 3.0), rng.uniform(5.0, 7.0)
        knots, heights = [0.0, first, peak, peak + 3.0, 11.0], [0.45, 0.2, 0.2 + rng.uniform(0.06, 0.12), 0.15, 0.2]
        spline = PchipInterpolator(knots, heights)
        truth = Curve(spline, "double_descent", (), None, first, peak, peak + 3.0)
        values = truth.mean(x) + 0.01 * rng.standard_normal((seeds, len(x))) + 0.01 * rng.standard_normal((seeds, 1))
        curve = replicates(natural_scale(x, "depth"), values)
        reading, p = read(curve, Rule(), READ_DRAWS)
        if reading.shape == "double_descent":
            found = AxisReading(x, curve, reading, p, ())
            yield with_turns(Verdict("double_descent"), found), truth


def _linear(places: list[float], errors: list[float]) -> Curve:
    """Straight lines through the turning points."""
    return Curve(lambda x: np.interp(x, places, errors), "double_descent", (), None, places[1], places[2], places[3])


def _epoch_verdicts(number: int, seeds: int, seed: int, sharp: bool) -> Iterator[tuple[Verdict, Curve]]:
    """All cells of a batch are read in one pass."""
    x, streams = np.arange(200.0), np.random.SeedSequence(seed).spawn(number)
    for begin in range(0, number, BATCH):
        truths, cells = [], []
        for stream in streams[begin : begin + BATCH]:
            rng = np.random.default_rng(stream)
            first, peak = rng.uniform(6.0, 9.0), rng.uniform(18.0, 30.0)
            knots, heights = [0.0, first, peak, 4.0 * peak, 200.0], [0.7, 0.2, 0.3, 0.18, 0.24]
            smooth = Curve(through(knots, heights), "double_descent", (), None, knots[1], knots[2], knots[3])
            truth = _linear(knots, heights) if sharp else smooth
            noise = rng.standard_normal((seeds, len(x))) + rng.standard_normal((seeds, 1))
            truths.append(truth)
            cells.append(truth.mean(x) + 0.005 * noise)
        unknown = [np.full_like(cell, np.nan) for cell in cells]
        for verdict, truth in zip(detect_cells(x, cells, unknown, p_values=False), truths, strict=True):
            if verdict.shape == "double_descent":
                yield verdict, truth


def _shares(verdicts: Iterator[tuple[Verdict, Curve]], number: int) -> dict[str, Rate]:
    held: dict[str, list[bool]] = defaultdict(list)
    read_at = 0
    for verdict, truth in verdicts:
        read_at += 1
        for name in POINTS:
            point: Point | None = getattr(verdict, name)
            assert point is not None
            place = getattr(truth, name)
            if point.error_interval is not None:
                held[f"error, {name}"].append(
                    _inside(float(truth.mean(np.array([point.position]))[0]), point.error_interval)
                )
            if point.position_interval is not None:
                held[f"place, {name}"].append(_inside(place, point.position_interval))
        if verdict.strength_interval is not None and verdict.first_min and verdict.second_min:
            low, high = truth.mean(np.array([verdict.first_min.position, verdict.second_min.position]))
            held["strength"].append(_inside(float(high - low), verdict.strength_interval))
    return {"read": wilson(read_at, number), **{name: wilson(sum(one), len(one)) for name, one in held.items()}}


def _inside(value: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= value <= interval[1]


def table(title: str, columns: dict[str, dict[str, Rate]]) -> list[str]:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    out = [f"| {title} | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
    return out + [
        f"| {name} | " + " | ".join(str(column.get(name, "none")) for column in columns.values()) + " |"
        for name in names
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=4000, help="draws an entry")
    parser.add_argument("--seed", type=int, default=6001)
    chosen = parser.parse_args()
    number, seed = chosen.number, chosen.seed
    print(
        "\n".join(table("mean of n values", {f"n = {n}": {"covered": rate} for n, rate in means(number, seed).items()}))
    )
    print("\n" + "\n".join(table("short axis", {f"{n} seeds": short_axis(number, n, seed) for n in SEEDS})), flush=True)
    for title, sharp in (("epochs", False), ("epochs, sharp turns", True)):
        columns = {f"{n} seeds": epochs(number, n, seed, sharp=sharp) for n in SEEDS}
        print("\n" + "\n".join(table(title, columns)), flush=True)


if __name__ == "__main__":
    main()
