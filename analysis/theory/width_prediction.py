"""What theory says of a run with a mean-field network: its limit of infinite width.

Linear units on linear teachers: the closed form, at nu = P/D. Anything else: particles, trained as the recipe says, on
the run's own samples where they are given; samples of teachers can also be drawn anew. The readout alone (`frozen: 1`)
is taken at its end, kernel regression; with `frozen: 0` all goes on. The network divides its inputs by sqrt(D), so that
a linear teacher of unit length is a predictor of norm sqrt(D) there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermeval
from numpy.typing import NDArray

from analysis.theory.linear_transfer import transfer_loss
from analysis.theory.particles import Activation, Particles, Stage, drawn_particles
from analysis.theory.second_stage import (
    Samples,
    fine_tuned,
    jointly_rich,
    trained,
    trained_source,
)
from sweeps.language.task_text import dataset_of, parameter_values
from sweeps.spec import LabelledSet, Recipe, RunSpec

Array = NDArray[np.float64]

TEACHERS = ("linear_teacher", "polynomial_teacher")
FAMILY = "mean_field_mlp"
PARTICLES = 2000
TESTED = 1000
CLOSED_FORM = "closed form, D to infinity"
_SEED = 20250704


class Prediction(NamedTuple):
    """Of the relative test error, and of that of the source's own readout after the target's training: NaN where the
    readout alone trains, and in a closed form."""

    test_error: float
    source_error: float
    kind: str


class TaskPair(NamedTuple):
    """Samples of a run's source, None without one, and target, their inputs over sqrt(D)."""

    source: Samples | None
    target: Samples


class Teacher(NamedTuple):
    """The parameters of a task: y = He_degree(w.x)/sqrt(degree!) + noise, the cosine of w and e_1 being `alignment`."""

    dimension: int
    degree: int
    alignment: float
    noise: float

    def drawn(self, samples: int, rng: np.random.Generator, noisy: bool = True) -> tuple[Array, Array]:
        """Inputs (samples, D) over sqrt(D), and targets (samples,)."""
        inputs = rng.standard_normal((samples, self.dimension))
        along = self.alignment * inputs[:, 0] + math.sqrt(1 - self.alignment**2) * inputs[:, 1]
        targets = hermeval(along, np.eye(self.degree + 1)[self.degree]) / math.sqrt(math.factorial(self.degree))
        noise = self.noise * rng.standard_normal(samples) if noisy else 0.0
        return inputs / math.sqrt(self.dimension), np.asarray(targets + noise, dtype=np.float64)


def has_infinite_width(spec: RunSpec) -> bool:
    """Whether `InfiniteWidth` is of a run, its recipe's details aside: squared loss in both stages."""
    losses = [recipe.loss for recipe in (spec.source, spec.train) if recipe is not None]
    return spec.model.family == FAMILY and all(loss == "squared" for loss in losses)


class InfiniteWidth:
    """Predictions of runs. What has learnt a source is kept for the other runs that start from it.

    samples_of: the samples of a run; by default they are drawn anew, from the run's seed.
    """

    def __init__(self, samples_of: Callable[[RunSpec], TaskPair] | None = None) -> None:
        self._samples_of = samples_of or drawn_samples
        self._learnt: dict[str, Particles] = {}
        own = "the runs' own samples" if samples_of is not None else "samples drawn anew"
        self.kind = f"{PARTICLES} particles on {own}"

    def prediction(self, spec: RunSpec) -> Prediction:
        """The relative test error of the target, 1 being that of predicting the mean.

        Raises ValueError, in one line, for a recipe that no theory here is of: anything but full-batch gradient descent
        for what learns features.
        """
        _check_start(spec)
        if spec.model.activation == "linear" and spec.transfer.frozen == 1 and _is_linear(spec):
            return Prediction(_closed_form(spec), math.nan, CLOSED_FORM)
        return Prediction(*self._errors(spec), self.kind)

    def _errors(self, spec: RunSpec) -> tuple[float, float]:
        activation = _activation(spec)
        rng = np.random.default_rng([_SEED, spec.seed, 2])
        source, target = self._samples_of(spec)
        if source is None:
            start = drawn_particles(PARTICLES, target.train.shape[1], rng, target.labels.shape[1])
            if spec.transfer.frozen == 1:
                return fine_tuned(start, target, activation).error, math.nan
            return trained(start, target, _second_stage(spec, target), activation).error, math.nan
        learnt = self._after_source(spec, source)
        if spec.transfer.frozen == 1:
            return fine_tuned(learnt, target, activation).error, math.nan
        found = jointly_rich(learnt, source, target, _gamma(spec), _second_stage(spec, target), rng, activation)
        return found.target.error, found.source_after.error

    def _after_source(self, spec: RunSpec, source: Samples) -> Particles:
        assert spec.source is not None
        model = spec.model.model_copy(update={"width": 1})
        key = f"{spec.source.model_dump_json()} {model.model_dump_json()} {spec.seed_of('source')}"
        if key not in self._learnt:
            stage = _stage(spec.source, source, _gamma(spec), "source")
            rng = np.random.default_rng([_SEED, spec.seed_of("source"), 3])
            self._learnt[key] = trained_source(source, stage, PARTICLES, rng, _activation(spec))
        return self._learnt[key]


def drawn_samples(spec: RunSpec) -> TaskPair:
    """Samples of a run's tasks, drawn anew. Raises ValueError where they are not teachers."""
    for part in (spec.source, spec.target):
        if part is not None and dataset_of(part.task) not in TEACHERS:
            raise ValueError(f"task {part.task}: allowed without the run's own samples: {', '.join(TEACHERS)}")
    source = None if spec.source is None else _samples(spec.source, spec.seed_of("source"), 0)
    return TaskPair(source, _samples(spec.target, spec.seed, 1))


def teacher_of(part: LabelledSet) -> Teacher:
    """The parameters in the name of a task, which is canonical: all are in it."""
    values: dict[str, Any] = parameter_values(part.task)
    degree = 1 if dataset_of(part.task) == "linear_teacher" else int(values["degree"])
    return Teacher(int(values["dimension"]), degree, float(values["alignment"]), float(values["noise"]))


def _check_start(spec: RunSpec) -> None:
    """The theory is of a network that takes over all hidden units of its source, with a fresh readout, at one rate."""
    for section, part, fields in (
        ("transfer", spec.transfer, ("inherit", "head", "rate_factors")),
        ("model", spec.model, ("weights",)),
    ):
        for field in fields:
            if getattr(part, field) is not None:
                raise ValueError(f"{section}.{field}: allowed for a theory of infinite width: null")


def _is_linear(spec: RunSpec) -> bool:
    parts = [part for part in (spec.source, spec.target) if part is not None]
    return all(dataset_of(part.task) in TEACHERS and teacher_of(part).degree == 1 for part in parts)


def _closed_form(spec: RunSpec) -> float:
    target, source = teacher_of(spec.target), None if spec.source is None else teacher_of(spec.source)
    nu_target = spec.target.size / target.dimension
    if source is None or spec.source is None:
        return transfer_loss(0.0, nu_target, 1.0, target_noise=target.noise)
    cosine = source.alignment * target.alignment
    cosine += math.sqrt((1 - source.alignment**2) * (1 - target.alignment**2))
    gamma = _gamma(spec) * math.sqrt(source.dimension)
    nu_source = spec.source.size / source.dimension
    return transfer_loss(gamma, nu_target, min(cosine, 1.0), nu_source, source.noise, target.noise)


def _samples(part: LabelledSet, seed: int, role: int) -> Samples:
    teacher, rng = teacher_of(part), np.random.default_rng([_SEED, seed, role])
    train, labels = teacher.drawn(part.size, rng)
    test, truth = teacher.drawn(TESTED, rng, noisy=False)
    return Samples(train, labels[:, None], test, truth[:, None])


def _activation(spec: RunSpec) -> Activation:
    return "linear" if spec.model.activation == "linear" else "relu"


def _gamma(spec: RunSpec) -> float:
    return 1.0 if spec.model.richness is None else spec.model.richness


def _second_stage(spec: RunSpec, target: Samples) -> Stage:
    """The pull of L2-SP is in the gradient: at the rate eta it takes steps eta, not 2 eta / C."""
    stage = _stage(spec.train, target, spec.transfer.richness or _gamma(spec), "train")
    return stage._replace(pull=(spec.transfer.l2_sp or 0.0) * target.labels.shape[1] / 2)


def _stage(recipe: Recipe, task: Samples, gamma: float, section: str) -> Stage:
    """Full-batch gradient descent at the rate eta on the squared error, averaged over samples and C outputs, takes
    steps of 2 eta / C of the flow's time."""
    for field, value, allowed in (
        ("optimizer", recipe.optimizer, "sgd"),
        ("momentum", recipe.momentum, 0.0),
        ("schedule", recipe.schedule, "constant"),
        ("weight_decay", recipe.weight_decay, 0.0),
        ("method", recipe.method or "gradient", "gradient"),
        ("head_start", recipe.head_start, None),
        ("clip", recipe.clip, None),
        ("warmup", recipe.warmup, None),
    ):
        if value != allowed:
            raise ValueError(f"{section}.{field} = {value}: allowed for a theory of rich training: {allowed}")
    size, outputs = task.labels.shape
    if recipe.batch_size < size:
        raise ValueError(f"{section}.batch_size = {recipe.batch_size}: allowed for a theory of rich training: {size}")
    return Stage(gamma, 2 * recipe.learning_rate / outputs * (recipe.steps or recipe.epochs))
