"""The detector and its rivals on short axes of known truth: recall, false positives, calibration, power."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.detector.descent import detect
from analysis.detector.short_axis.axis_scale import reading_order
from analysis.detector.smoothing import Array
from analysis.scoring import held_out
from analysis.scoring.score import Rate, precision_recall_f1, wilson
from analysis.scoring.short_axes import ShortCell, cells
from analysis.scoring.short_rivals import SHORT_RIVALS

POWER_SIZES = (1.5, 2.0, 3.0, 4.0)


@dataclass
class ShortTally:
    """Answers of the detector beside the truth, in the order of the cells, and the rivals' scores."""

    cells: list[ShortCell] = field(default_factory=list)
    called: list[bool] = field(default_factory=list)
    p_values: list[float] = field(default_factory=list)
    places: list[float] = field(default_factory=list)  # distance of called peaks from the true one, in points
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, cell: ShortCell, rivals: bool) -> None:
        verdict = detect(cell.x, cell.errors, axis=cell.axis)
        p = verdict.p
        self.cells.append(cell)
        self.called.append(verdict.double_descent is True)
        self.p_values.append(np.nan if p is None else p)
        if self.called[-1] and cell.peak is not None and verdict.peak is not None:
            at = np.searchsorted(cell.x, [cell.peak, verdict.peak.position])
            self.places.append(float(abs(at[1] - at[0])))
        for name, rival in SHORT_RIVALS.items() if rivals else ():
            self.scores[name].append(rival(cell.errors[:, reading_order(cell.x, cell.axis)]))

    @property
    def truth(self) -> np.ndarray:
        return np.array([cell.double_descent for cell in self.cells])

    def rates(self, of: Callable[[ShortCell], str], *, positive: bool, flags: Sequence[bool]) -> dict[str, Rate]:
        """Share of `flags` among the cells with (or without) a double descent, by a label."""
        groups: dict[str, list[bool]] = defaultdict(list)
        for cell, flag in zip(self.cells, flags, strict=True):
            if cell.double_descent == positive:
                groups[of(cell)].append(bool(flag))
        return {name: wilson(sum(group), len(group)) for name, group in groups.items()}


def score_short(
    number: int,
    seeds: int,
    seed: int = 0,
    *,
    points: tuple[int, int] = (12, 100),
    sizes: tuple[float, float] = (5.0, 15.0),
    rivals: bool = False,
    progress: Callable[[Iterable[ShortCell]], Iterator[ShortCell]] = iter,
) -> ShortTally:
    """`number` cells, half of them double descents. The same arguments, the same figures."""
    tally = ShortTally()
    for cell in progress(cells(number, seeds, seed, points=points, sizes=sizes)):
        tally.add(cell, rivals)
    return tally


def score_held_out(seed: int, number: int = 600) -> dict[str, ShortTally]:
    """The held-out set, `number` cells an entry: one and five seeds on 12 to 100 points, half of them double descents;
    and nulls alone of one to five seeds on 4 to 100 points."""
    found: dict[str, ShortTally] = {}
    for seeds in (1, 5):
        found[f"{seeds} seed(s), 12 to 100 points"] = _tallied(held_out.cells(number, seeds, seed))
    for seeds in (1, 2, 3, 4, 5):
        nulls = held_out.cells(number, seeds, seed + seeds, points=(4, 100), double_descents=False)
        found[f"{seeds} seed(s), nulls on 4 to 100 points"] = _tallied(nulls)
    return found


def _tallied(drawn: Iterable[ShortCell]) -> ShortTally:
    tally = ShortTally()
    for cell in drawn:
        tally.add(cell, rivals=False)
    return tally


def power_rows(number: int, seeds: int, seed: int, sizes: Sequence[float] = POWER_SIZES) -> list[str]:
    """Power for small bumps: the detector's, and the best rival's at the same share of false positives."""
    rows = [f"| prominence, {seeds} seed(s) | Frostline | best rival | which |", "| --- | --- | --- | --- |"]
    for size in sizes:
        tally = score_short(number, seeds, seed, sizes=(size, size * 1.0001), rivals=True)
        truth, called = tally.truth, np.array(tally.called)
        allowed = int(called[~truth].sum())
        powers = {name: _power_at(np.array(scores), truth, allowed) for name, scores in tally.scores.items()}
        best = max(powers, key=lambda name: powers[name])
        ours, rival = wilson(int(called[truth].sum()), int(truth.sum())), powers[best]
        rows.append(f"| {size:g} | {ours} | {rival:.3f} | {best} |")
    return rows


def _power_at(scores: Array, truth: np.ndarray, allowed: int) -> float:
    """Share of true ones above the threshold that lets `allowed` false ones through."""
    threshold = np.sort(scores[~truth])[::-1][allowed]
    return float((scores[truth] > threshold).mean())


def noise_row(number: int, seeds: int, seed: int, points: tuple[int, int] = (4, 14)) -> str:
    """What is said of level curves under white Gaussian noise alone, on as many points as `points` allow."""
    called = tested = below = 0
    for stream in np.random.SeedSequence(seed).spawn(number):
        rng = np.random.default_rng(stream)
        x = np.arange(float(rng.integers(points[0], points[1] + 1)))
        verdict = detect(x, 0.3 + 0.01 * rng.standard_normal((seeds, len(x))), axis="depth")
        p = verdict.p
        called += verdict.double_descent is True
        tested += p is not None
        below += p is not None and p <= 0.05
    return (
        f"Gaussian noise alone, {points[0]} to {points[1]} points, {seeds} seed(s): called {wilson(called, number)} of "
        f"{number}, tested {tested}, P(p <= .05) {wilson(below, number)}"
    )


def lines(tally: ShortTally) -> list[str]:
    seeds, truth, called = len(tally.cells[0].errors), tally.truth, np.array(tally.called)
    precision, recall, f1 = precision_recall_f1(truth, called)
    out = [f"short axes: {len(truth)} cells of {seeds} seed(s), {int(truth.sum())} of them double descents", ""]
    out += [f"precision {precision}, recall {recall}, F1 {f1}"]
    if tally.places:
        out += [f"peak within one point: {wilson(sum(d <= 1 for d in tally.places), len(tally.places))}"]
    below = [bool(p <= 0.05) for p in tally.p_values]
    for head, positive, flags in (
        ("called double descent", False, tally.called),
        ("P(p <= .05)", False, below),
        ("found", True, tally.called),
    ):
        out += ["", f"| {'double descent' if positive else 'null'} | n | {head} |", "| --- | --- | --- |"]
        for of in (lambda cell: cell.family, lambda cell: cell.noise, _length):
            rates = tally.rates(of, positive=positive, flags=flags)
            out += [f"| {name} | {rate.n} | {rate} |" for name, rate in rates.items()]
    return out


def _length(cell: ShortCell) -> str:
    return "under 12 points" if len(cell.x) < 12 else "12 to 24" if len(cell.x) < 25 else "25 and more"
