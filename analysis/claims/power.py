"""Size and power of the claims by simulation: how often each is supported where it is false, and where it is true.

`python -m analysis.claims.power` prints the table of docs/detection.md. One sweep of one group is drawn a time, five
seeds, and goes through the claim's own test and decision.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from analysis.claims.decide import judge
from analysis.claims.evidence import Evidence
from analysis.claims.freezing import c3
from analysis.claims.sizes import evidence_of_trend
from analysis.claims.sources import MARGIN, Pair, better, on_par
from analysis.detector.descent import detect
from analysis.statistics.intervals import Array, share_interval
from analysis.statistics.trend import Range
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.groups import Group
from analysis.tables.schema import CROSSINGS

SEEDS = 5
STEPS = np.arange(3.0)  # three set sizes, each twice the last
EPOCHS = 60.0
DEPTHS = np.arange(0.0, 14.0, 2.0)
NOISE = 0.01  # standard deviation of a final error

Drawn = Callable[[Generator, float], list[Evidence]]
"""(generator, effect) -> the tests of one sweep; effect 0 is the null hypothesis."""


def prominences(rng: Generator, effect: float) -> list[Evidence]:
    """C1: the prominence of a run, 3 points at the smallest size, `effect` points more a doubling; a run differs by one
    point, a seed's level by one more. A prominence below 1 point is not seen and counts as 0."""
    found = 3.0 + effect * STEPS + rng.standard_normal((SEEDS, 3)) + rng.standard_normal((SEEDS, 1))
    return _trend("prominence", np.where(found < 1.0, 0.0, found))


def crossings(rng: Generator, effect: float) -> list[Evidence]:
    """C2, interpolation time: train errors that fall exponentially, `effect` times slower (as a share) a doubling; runs
    differ by 10 %, seeds by 10 %. A run that has not crossed by the last epoch crosses later."""
    scale = 12.0 * (1.0 + effect) ** STEPS * np.exp(0.1 * rng.standard_normal((SEEDS, 3)))
    scale *= np.exp(0.1 * rng.standard_normal((SEEDS, 1)))
    tests: list[Evidence] = []
    for per_cent in CROSSINGS:
        epochs = np.ceil(scale * np.log(0.7 / (per_cent / 100.0)))
        tests += _trend(f"epochs to {per_cent} %", epochs, latest=EPOCHS)
    return tests


def peak_times(rng: Generator, effect: float) -> list[Evidence]:
    """C2, peak time: the epoch of a run's peak, about 15, later by `effect` (a share) a doubling; runs differ by 10 %,
    seeds by 10 %."""
    epochs = 15.0 * (1.0 + effect) ** STEPS * np.exp(0.1 * rng.standard_normal((SEEDS, 3)))
    return _trend("peak epoch", np.round(epochs * np.exp(0.1 * rng.standard_normal((SEEDS, 1)))))


def frozen_axis(rng: Generator, effect: float) -> list[Evidence]:
    """C3: final errors at seven frozen depths, interpolation lost between 6 and 8; a peak of `effect` points at 6.

    Without it the errors are level, rise with depth, or fall and rise."""
    null = rng.integers(3)
    level = 0.25 + (0.0, 0.01, 0.02)[null] * np.abs(DEPTHS / 2.0 - (0.0, 0.0, 3.0)[null])
    if effect:
        level = 0.25 + 0.01 * effect * np.interp(DEPTHS, [2.0, 6.0, 10.0], [0.0, 1.0, 0.0])
    test = level + NOISE * rng.standard_normal((SEEDS, len(DEPTHS))) + NOISE * rng.standard_normal((SEEDS, 1))
    train = np.tile(np.where(DEPTHS <= 6.0, 0.0, 0.1 * (DEPTHS - 6.0)), (SEEDS, 1))
    rows = np.arange(len(DEPTHS))
    group = Group(FROZEN, "simulated", "simulated", {}, rows, DEPTHS)
    verdict = detect(DEPTHS, test, train_errors=train, axis="frozen")
    inside = (train[0] == 0.0).astype(np.float64)
    return list(
        c3(
            [
                AxisVerdict(
                    group, tuple(range(SEEDS)), test, train, inside, (6.0, 8.0), verdict, settled=np.ones(len(DEPTHS))
                )
            ]
        )
    )


def two_sources(test: Callable[[Pair], Evidence], null: float, given: bool) -> Drawn:
    """C4: paired differences at seven depths, the less related source worse by 4 points at the head, and by `null` less
    `effect` points within the double descent of the more related one, three depths of the seven."""

    def drawn(rng: Generator, effect: float) -> list[Evidence]:
        inside = frozenset({4.0, 6.0, 8.0})
        mean = {depth: null - 0.01 * effect * (depth in inside) for depth in DEPTHS.tolist()}
        mean[float(DEPTHS[-1])] = 0.04
        differences: dict[float, Array] = {
            depth: value + NOISE * rng.standard_normal(SEEDS) for depth, value in mean.items()
        }
        return [test(Pair("simulated", differences, inside, given))]

    return drawn


def _trend(measure: str, values: Array, latest: float = np.inf) -> list[Evidence]:
    """values: (seeds, sizes); those beyond `latest` are only known to be later."""
    ranges: list[list[Range]] = [
        [(value, value) if value <= latest else (latest + 1.0, np.inf) for value in row] for row in values.tolist()
    ]
    found = evidence_of_trend("simulated", measure, ranges, "")
    return [] if found is None else [found]


CLAIMS: dict[str, tuple[Drawn, tuple[float, float], str]] = {
    "C1": (prominences, (1.0, 2.0), "points of prominence more a doubling of the target set; runs differ by 1"),
    "C2, interpolation time": (
        crossings,
        (0.1, 0.2),
        "(a share) later a doubling of the source set; runs differ by 0.1",
    ),
    "C2, peak time": (peak_times, (0.1, 0.2), "(a share) later a doubling of the source set; runs differ by 0.1"),
    "C3": (frozen_axis, (3.0, 5.0), "points of peak where interpolation is lost; runs differ by 1"),
    "C4, better": (two_sources(better, 0.0, given=True), (1.0, 2.0), "points better at the peak; runs differ by 1"),
    "C4, better, order not given": (two_sources(better, 0.0, given=False), (1.0, 2.0), "the same"),
    "C4, on par": (two_sources(on_par, MARGIN, given=True), (1.0, 2.0), "points within the margin at the peak"),
}


def supported(drawn: Drawn, effect: float, number: int, seed: int) -> int:
    """In how many of `number` sweeps the claim is supported."""
    streams = np.random.SeedSequence(seed).spawn(number)
    tests = (drawn(np.random.default_rng(stream), effect) for stream in streams)
    return sum(judge("", "", "", each).decision == "supported" for each in tests)


def rows(number: int, seed: int) -> list[str]:
    """A Markdown table: size, and power at two effects, with Wilson's 95 % intervals."""
    out = ["| claim | supported under its null | effect | supported | effect | supported | unit of the effect |"]
    out.append("|" + " --- |" * 7)
    for name, (drawn, effects, unit) in CLAIMS.items():
        shares = [_share(supported(drawn, effect, number, seed), number) for effect in (0.0, *effects)]
        small, large = effects
        out.append(f"| {name} | {shares[0]} | {small:g} | {shares[1]} | {large:g} | {shares[2]} | {unit} |")
    return out


def _share(found: int, number: int) -> str:
    low, high = share_interval(found, number)
    return f"{found / number:.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=2000, help="sweeps an entry")
    parser.add_argument("--seed", type=int, default=5001)
    chosen = parser.parse_args()
    print("\n".join(rows(chosen.number, chosen.seed)))


if __name__ == "__main__":
    main()
