"""What a job costs: its work counted from the spec, and seconds for each kind of work, learnt from the store.

Seconds are a sum over kinds of work, each with a rate per family and device. A rate starts from what one machine was
measured to take and is drawn to what this store's own results took: a Bayesian linear regression on ratios of actual
to expected seconds, so that short jobs count as much as long ones. With no results all rates of a family move together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from architectures import FAMILIES
from orchestrator.store.jobs import Job
from orchestrator.train.methods.method import Work
from orchestrator.train.methods.table import method_of
from sweeps.memo import cached
from sweeps.spec import LabelledSet, ModelSpec, Recipe, TransferSpec

KINDS = Work._fields
"""What the seconds of a job are a sum over."""

RATES = (0.1, 5e-3, 1e-3, 3e-5, 3e-10, 5e-11)
"""Seconds per unit of each kind on one core of an Intel Xeon VM shared with other work: where learning starts from, for
each family."""

ON_AN_ACCELERATOR = (1.0, 1.0, 1.0, 1.0, 5e-3, 3e-4)
"""The same on a GPU, as factors, for before the first result: within a half of what an NVIDIA H100 took for steps of
three networks (BENCHMARKS.md, packing and devices). Launching costs as before, arithmetic little."""

SPREAD_OF_RATES = 0.5
"""Relative standard deviation of one rate about the family's level."""
SPREAD_OF_LEVEL = 1.0
"""That of the level itself, before any result of the device, as a natural logarithm; half of it once there is one."""
SPREAD_OF_JOBS = 0.3
"""Relative standard deviation of a job about its expectation, before it can be learnt. Counts as two results."""
FARTHEST = 4.0
"""A job that took longer than so many times what was expected counts as this: it waited for something else."""


class Sample(NamedTuple):
    """What one committed job took."""

    family: str
    device: str
    work: tuple[float, ...]
    seconds: float


class Estimate(NamedTuple):
    """Seconds, and the standard deviation of the natural logarithm of what they may turn out to be."""

    seconds: float
    spread: float

    def interval(self, deviations: float = 1.96) -> tuple[float, float]:
        """Where the actual seconds lie with 95 %, as the past residuals have it."""
        factor = math.exp(deviations * self.spread)
        return self.seconds / factor, self.seconds * factor


class Costs(NamedTuple):
    """What many jobs are expected to take: the answer to one question to the cost model."""

    seconds: dict[str, float]
    """Of each job, by id, in the order given."""
    total: Estimate
    by_family: dict[str, tuple[int, Estimate]]
    """Number of jobs and their time together, families in alphabetical order."""


def work_of(job: Job) -> Work:
    """How much of each of KINDS a job is."""
    spec = job.spec
    if job.kind == "source":
        assert spec.source is not None
        return work_of_parts(spec.model, spec.source, spec.source, TransferSpec())
    return work_of_parts(spec.model, spec.target, spec.train, spec.transfer)


@cached
def work_of_parts(model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
    """The same, from the parts of a spec that count, as the recipe's training method has it. Raises ValueError for an
    unknown task or method."""
    return method_of(recipe).work(model, part, recipe, transfer)


class CostModel:
    """Seconds of jobs on one device. Equal histories give equal models."""

    def __init__(self, history: Iterable[Sample] = (), device: str = "cpu") -> None:
        self.device = device
        self.samples = 0
        by_family: dict[str, list[Sample]] = {family: [] for family in FAMILIES}
        for sample in history:
            if sample.device == device and sample.seconds > 0:
                by_family[sample.family].append(sample)
                self.samples += 1
        start = _start(device)
        levels = [_level(start, samples) for samples in by_family.values() if samples]
        level = float(np.mean(levels)) if levels else 0.0
        spread = SPREAD_OF_LEVEL / 2 if levels else SPREAD_OF_LEVEL
        self._families = {
            family: _Rates(start * math.exp(level), spread, samples) for family, samples in by_family.items()
        }

    @classmethod
    def for_workers(cls, history: Sequence[Sample], accelerator: bool) -> CostModel:
        """On the device that most of the results come from, among accelerators or the CPU."""
        names = [sample.device for sample in history if (sample.device != "cpu") == accelerator]
        usual = max(sorted(set(names)), key=names.count) if names else ("accelerator" if accelerator else "cpu")
        return cls(history, usual)

    def seconds(self, job: Job) -> float:
        """What a job is expected to take on a worker, from its claim to its commit."""
        return self._families[job.spec.model.family].seconds(work_of(job))

    def total(self, jobs: Sequence[Job]) -> Estimate:
        """All of the jobs together: rates that are off are off for all of a family, chance evens out."""
        return self.costs(jobs).total

    def costs(self, jobs: Sequence[Job], left: Mapping[str, float] | None = None) -> Costs:
        """Seconds of each of the jobs, of each family and of all together.

        `left`: by id, the share of a job (0 to 1) that is still to be done, where some of it has been done.
        """
        left = left or {}
        seconds: dict[str, float] = {}
        work: dict[str, list[tuple[float, ...]]] = {}
        for job in jobs:
            family = job.spec.model.family
            share = left.get(job.id, 1.0)
            its_work = tuple(share * amount for amount in work_of(job))
            seconds[job.id] = self._families[family].seconds(its_work)
            work.setdefault(family, []).append(its_work)
        totals: dict[str, tuple[float, float]] = {
            family: self._families[family].total(np.array(of_family)) for family, of_family in work.items()
        }
        by_family: dict[str, tuple[int, Estimate]] = {}
        for family, (expected, variance) in totals.items():
            by_family[family] = len(work[family]), _estimate(expected, variance)
        together = _estimate(sum(each for each, _ in totals.values()), sum(each for _, each in totals.values()))
        return Costs(seconds, together, dict(sorted(by_family.items())))


def _estimate(seconds: float, variance: float) -> Estimate:
    return Estimate(seconds, math.sqrt(variance) / seconds if seconds > 0 else 0.0)


def _start(device: str) -> np.ndarray:
    rates = np.array(RATES)
    return rates if device == "cpu" else rates * ON_AN_ACCELERATOR


def _level(rates: np.ndarray, samples: Sequence[Sample]) -> float:
    """Natural logarithm of how many times longer than by these rates the samples took together."""
    expected = np.array([rates @ np.array(sample.work) for sample in samples])
    ratios = np.array([sample.seconds for sample in samples]) / expected
    return math.log(float(expected @ np.minimum(ratios, FARTHEST * np.median(ratios))) / float(expected.sum()))


ROUNDS = 6


class _Rates:
    """Rates of one family: posterior mean and covariance of factors on where they started."""

    def __init__(self, start: np.ndarray, level_spread: float, samples: Sequence[Sample]) -> None:
        kinds = len(start)
        self._start = start
        self._factors = np.ones(kinds)
        self._covariance = SPREAD_OF_RATES**2 * np.eye(kinds) + level_spread**2
        self._variance = SPREAD_OF_JOBS**2
        if samples:
            self._learn(np.array([sample.work for sample in samples]), np.array([sample.seconds for sample in samples]))

    def _learn(self, work: np.ndarray, seconds: np.ndarray) -> None:
        prior = np.linalg.inv(self._covariance)
        for _ in range(ROUNDS):  # ratios are taken to the last expectation: a few rounds settle it
            self._covariance = self._learn_once(prior, work, seconds)

    def _learn_once(self, prior: np.ndarray, work: np.ndarray, seconds: np.ndarray) -> np.ndarray:
        """One round, from the present factors to better ones; the covariance of these."""
        expected = work @ (self._start * self._factors)
        shares = work * self._start / expected[:, None]
        ratios = np.minimum(seconds / expected, FARTHEST)
        weighted = (shares * (expected / expected.mean())[:, None]).T / self._variance
        precision = weighted @ shares + prior
        factors = np.linalg.solve(precision, weighted @ ratios + prior @ np.ones(len(prior)))
        self._factors = np.maximum(factors, 0.05)
        left = ratios - shares @ self._factors
        self._variance = (2 * SPREAD_OF_JOBS**2 + float(left @ left)) / (2 + len(seconds))
        # The residuals as they are, not as the weights would have them; few of them look smaller than they are.
        scores = weighted * left * math.sqrt((len(seconds) + 2) / len(seconds))
        inverse = np.linalg.inv(precision)
        return inverse @ (scores @ scores.T + prior) @ inverse

    def seconds(self, work: Sequence[float]) -> float:
        return float(np.dot(self._start * self._factors, work))

    def total(self, work: np.ndarray) -> tuple[float, float]:
        """(expected seconds of all, variance of their sum) for work of shape (jobs, kinds)."""
        each = work @ (self._start * self._factors)
        together = work.sum(0) * self._start
        return float(each.sum()), float(together @ self._covariance @ together + self._variance * (each @ each))
