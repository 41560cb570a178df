"""Precision, recall, F1, location and calibration of the detector and its rivals on curves of known
truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from analysis.detector.descent import detect
from analysis.detector.smoothing import Array
from analysis.detector.verdict import SHAPES, Shape, Strength
from analysis.scoring.baselines import RIVALS, TUNED, TUNED_ONE_SEED
from analysis.scoring.curve_families import POSITIVE
from analysis.scoring.synthetic import Labelled, cells

OURS = "Frostline"
EXACT_NULLS = ("flat_tail", "plateau_level", "drift")  # level where a peak could be: the null at its boundary
PEAK_TOLERANCE = np.log(1.15)


@dataclass(frozen=True)
class Answer:
    """What a detector said of one cell. shape and p are None for rivals that only say yes or no; p is 1 where a curve
    was refused or not tested."""

    double_descent: bool
    shape: Shape | None
    peak: float | None
    strength: Strength | None
    p: float | None = None


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval (Wilson; bootstrap over cells for F1)."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass
class Tally:
    """Answers of one detector beside the truth, in the order of the cells."""

    families: list[str] = field(default_factory=list)
    truths: list[Shape] = field(default_factory=list)
    said: list[Shape | None] = field(default_factory=list)
    called: list[bool] = field(default_factory=list)
    peak_right: list[bool] = field(default_factory=list)
    strength_right: list[bool] = field(default_factory=list)

    def add(self, cell: Labelled, answer: Answer) -> None:
        truth = cell.truth
        said = truth.shape if answer.shape in truth.accepted else answer.shape
        self.families.append(cell.family)
        self.truths.append(truth.shape)
        self.said.append(said)
        self.called.append(answer.double_descent)
        if answer.double_descent and truth.peak is not None:
            error = np.inf if answer.peak is None else abs(np.log((answer.peak + 1.0) / (truth.peak + 1.0)))
            self.peak_right.append(bool(error <= PEAK_TOLERANCE))
            if truth.strength is not None and answer.strength is not None:
                self.strength_right.append(answer.strength == truth.strength)

    def double_descent(self) -> tuple[Rate, Rate, Rate]:
        """Precision, recall and F1 of double_descent."""
        return precision_recall_f1(np.array(self.truths) == "double_descent", np.array(self.called))

    def shape(self, shape: Shape) -> tuple[Rate, Rate, Rate]:
        said = np.array([s == shape for s in self.said])
        return precision_recall_f1(np.array(self.truths) == shape, said)

    def false_positives(self) -> dict[str, Rate]:
        """Share called double descent, per family of nulls."""
        called, families = np.array(self.called), np.array(self.families)
        nulls = [f for f in dict.fromkeys(self.families) if f not in POSITIVE]
        return {f: wilson(int(called[families == f].sum()), int((families == f).sum())) for f in nulls}

    def missed(self) -> dict[str, Rate]:
        """Share not called double descent, per family of double descents."""
        called, families = np.array(self.called), np.array(self.families)
        true = [f for f in dict.fromkeys(self.families) if f in POSITIVE]
        return {f: wilson(int((~called[families == f]).sum()), int((families == f).sum())) for f in true}


@dataclass(frozen=True)
class Score:
    """All figures of one scoring run. p_values: p under each exact null, for calibration."""

    seeds: int
    cells: int
    tallies: dict[str, Tally]
    p_values: dict[str, Array]

    def calibration(self, level: float = 0.05) -> dict[str, Rate]:
        """P(p <= level) per exact null and over all of them."""
        groups = dict(self.p_values)
        if groups:
            groups["all"] = np.concatenate(list(groups.values()))
        return {name: wilson(int((p <= level).sum()), len(p)) for name, p in groups.items() if len(p)}


def wilson(successes: int, n: int) -> Rate:
    """A proportion with its Wilson 95 % interval; n = 0 gives NaN, never 0."""
    if n == 0:
        return Rate(np.nan, np.nan, np.nan, 0)
    low, high = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return Rate(successes / n, float(low), float(high), n)


def precision_recall_f1(true: np.ndarray, said: np.ndarray) -> tuple[Rate, Rate, Rate]:
    """true, said: (cells,) of bool. F1's interval is the bootstrap's over cells (2,000 draws,
    percentiles)."""
    both, only_said = int((true & said).sum()), int((~true & said).sum())
    missed, n = int((true & ~said).sum()), len(true)
    draws = np.random.default_rng(0).multinomial(
        n, np.array([both, only_said, missed, n - both - only_said - missed]) / n, 2000
    )
    tp, fp, fn = draws[:, 0], draws[:, 1], draws[:, 2]
    f1 = 2.0 * tp / np.maximum(1, 2 * tp + fp + fn)
    value = 2.0 * both / max(1, 2 * both + only_said + missed)
    low, high = np.quantile(f1, [0.025, 0.975])
    return (
        wilson(both, both + only_said),
        wilson(both, both + missed),
        Rate(value, float(low), float(high), n),
    )


def ours(cell: Labelled) -> Answer:
    verdict = detect(cell.x, cell.errors)
    peak = None if verdict.peak is None else verdict.peak.position
    strength = None if verdict.strength == "undecided" else verdict.strength
    p = verdict.p
    return Answer(verdict.double_descent is True, verdict.shape, peak, strength, 1.0 if p is None else p)


def score(
    number: int,
    seeds: int,
    seed: int = 0,
    *,
    rivals: bool = True,
    progress: Callable[[Iterable[Labelled]], Iterator[Labelled]] = iter,
) -> Score:
    """Scores the detector, and its rivals, on `number` cells of `seeds` seeds. The same arguments, the
    same figures."""
    thresholds = TUNED if seeds > 1 else TUNED_ONE_SEED
    tallies = {name: Tally() for name in [OURS, *(RIVALS if rivals else ())]}
    p_values: dict[str, list[float]] = {name: [] for name in EXACT_NULLS}
    for cell in progress(cells(number, seeds, seed)):
        answer = ours(cell)
        tallies[OURS].add(cell, answer)
        for name, rival in RIVALS.items() if rivals else ():
            call = rival(cell.x, cell.errors, thresholds)
            tallies[name].add(cell, Answer(call.double_descent, None, call.peak, None))
        if cell.family in p_values:
            p_values[cell.family].append(1.0 if answer.p is None else answer.p)
    return Score(seeds, number, tallies, {name: np.array(p) for name, p in p_values.items()})


def lines(result: Score) -> list[str]:
    """The score as a Markdown table and the figures of the detector's own."""
    out = [f"{result.cells} cells of {result.seeds} seed(s)", ""]
    out += [
        "| detector | precision | recall | F1 | worst false-positive rate | peak within 15 % |",
        "|" + " --- |" * 6,
    ]
    for name, tally in result.tallies.items():
        precision, recall, f1 = tally.double_descent()
        nulls = tally.false_positives()  # of few cells there may be none
        family, worst = max(nulls.items(), key=lambda item: item[1].value, default=("none drawn", wilson(0, 0)))
        peak = wilson(sum(tally.peak_right), len(tally.peak_right))
        out.append(f"| {name} | {precision} | {recall} | {f1} | {worst} ({family}) | {peak} |")
    tally = result.tallies[OURS]
    out += ["", "| shape | precision | recall | F1 |", "|" + " --- |" * 4]
    out += [f"| {shape} | " + " | ".join(map(str, tally.shape(shape))) + " |" for shape in SHAPES]
    out += ["", f"strength right: {wilson(sum(tally.strength_right), len(tally.strength_right))}", ""]
    out += ["| null | called double descent |", "| --- | --- |"]
    out += [f"| {family} | {rate} |" for family, rate in tally.false_positives().items()]
    out += ["", "| double descent | missed |", "| --- | --- |"]
    out += [f"| {family} | {rate} |" for family, rate in tally.missed().items()]
    out += ["", *(f"P(p <= .05), {name}: {rate}" for name, rate in result.calibration().items())]
    return out
