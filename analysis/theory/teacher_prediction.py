"""What theory says of a run on teachers (`linear_teacher`, `polynomial_teacher`) with a mean-field network.

Linear units on linear teachers: the closed form, at nu = P/D. Anything else: particles, trained as the recipe says on
data drawn anew. The readout alone (`frozen: 1`) is taken at its end, kernel regression; with `frozen: 0` all goes on.
The network divides its inputs by sqrt(D), so that a linear teacher of unit length is a predictor of norm sqrt(D) there.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermeval
from numpy.typing import NDArray

from analysis.theory.linear_transfer import transfer_loss
from analysis.theory.particles import Activation, Particles, Stage, drawn_particles
from analysis.theory.second_stage import (
    Samples,
    fine_tuned_error,
    jointly_rich,
    trained_error,
    trained_source,
)
from sweeps.language.task_text import dataset_of, parameter_values
from sweeps.spec import LabelledSet, Recipe, RunSpec

Array = NDArray[np.float64]

TEACHERS = ("linear_teacher", "polynomial_teacher")
FAMILY = "mean_field_mlp"
PARTICLES = 2000
DRAWS = 3
TESTED = 1000
_SEED = 20250704


class Prediction(NamedTuple):
    """Of the relative test error: its mean, and its standard error over draws of data (NaN of a closed form).
    `source_error`: that of the source's own readout after the target's training, NaN where only the readout trains."""

    test_error: float
    standard_error: float
    kind: str
    source_error: float = math.nan


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


def is_of_teachers(spec: RunSpec) -> bool:
    """Whether a run is one that `teacher_prediction` is of, its recipe aside."""
    tasks = [part.task for part in (spec.source, spec.target) if part is not None]
    return spec.model.family == FAMILY and all(dataset_of(task) in TEACHERS for task in tasks)


def teacher_prediction(spec: RunSpec) -> Prediction:
    """The relative test error of the target, 1 being that of predicting the mean.

    Raises ValueError, in one line, for a recipe that no theory here is of: anything but full-batch gradient descent for
    what learns features.
    """
    target, source = teacher_of(spec.target), None if spec.source is None else teacher_of(spec.source)
    linear = spec.model.activation == "linear" and target.degree == 1 and (source is None or source.degree == 1)
    if linear and spec.transfer.frozen == 1:
        return Prediction(_closed_form(spec, source, target), math.nan, "closed form, D to infinity")
    draws = [_drawn_error(spec, source, target, draw) for draw in range(DRAWS)]
    errors, source_errors = np.array(draws).T
    spread = float(errors.std(ddof=1)) / math.sqrt(DRAWS)
    kind = f"{PARTICLES} particles, {DRAWS} draws of data"
    return Prediction(float(errors.mean()), spread, kind, float(source_errors.mean()))


def teacher_of(part: LabelledSet) -> Teacher:
    """The parameters in the name of a task, which is canonical: all are in it."""
    values: dict[str, Any] = parameter_values(part.task)
    degree = 1 if dataset_of(part.task) == "linear_teacher" else int(values["degree"])
    return Teacher(int(values["dimension"]), degree, float(values["alignment"]), float(values["noise"]))


def _closed_form(spec: RunSpec, source: Teacher | None, target: Teacher) -> float:
    nu_target = spec.target.size / target.dimension
    if source is None or spec.source is None:
        return transfer_loss(0.0, nu_target, 1.0, target_noise=target.noise)
    cosine = source.alignment * target.alignment
    cosine += math.sqrt((1 - source.alignment**2) * (1 - target.alignment**2))
    gamma = _gamma(spec) * math.sqrt(source.dimension)
    nu_source = spec.source.size / source.dimension
    return transfer_loss(gamma, nu_target, min(cosine, 1.0), nu_source, source.noise, target.noise)


def _drawn_error(spec: RunSpec, source: Teacher | None, target: Teacher, draw: int) -> tuple[float, float]:
    """(relative test error, that of the source's readout afterwards) of one draw of data and particles."""
    activation: Activation = "linear" if spec.model.activation == "linear" else "relu"
    rng = np.random.default_rng([_SEED, draw, 2])
    aim = _samples(target, spec.target.size, draw, 1)
    gamma = spec.transfer.richness or _gamma(spec)
    if source is None or spec.source is None:
        start = drawn_particles(PARTICLES, target.dimension, rng)
        if spec.transfer.frozen == 1:
            return fine_tuned_error(start, aim, activation), math.nan
        return trained_error(start, aim, _stage(spec.train, spec.target.size, gamma, "train"), activation), math.nan
    stage = _stage(spec.source, spec.source.size, _gamma(spec), "source")
    learnt = _learnt(source, spec.source.size, stage, activation, draw)
    if spec.transfer.frozen == 1:
        return fine_tuned_error(learnt, aim, activation), math.nan
    stage = _stage(spec.train, spec.target.size, gamma, "train")._replace(pull=(spec.transfer.l2_sp or 0.0) / 2)
    taught = _samples(source, spec.source.size, draw, 0)
    found = jointly_rich(learnt, taught, aim, _gamma(spec), stage, rng, activation)
    return found.target, found.source_after


@lru_cache(maxsize=32)
def _learnt(source: Teacher, size: int, stage: Stage, activation: Activation, draw: int) -> Particles:
    """Particles that have learnt the source: those of many cells."""
    rng = np.random.default_rng([_SEED, draw, 3])
    return trained_source(_samples(source, size, draw, 0), stage, PARTICLES, rng, activation)


def _samples(teacher: Teacher, size: int, draw: int, role: int) -> Samples:
    """Of the source (role 0) or the target (role 1), the same whenever asked for."""
    rng = np.random.default_rng([_SEED, draw, role])
    train, labels = teacher.drawn(size, rng)
    test, truth = teacher.drawn(TESTED, rng, noisy=False)
    return Samples(train, labels, test, truth)


def _gamma(spec: RunSpec) -> float:
    return 1.0 if spec.model.richness is None else spec.model.richness


def _stage(recipe: Recipe, size: int, gamma: float, section: str) -> Stage:
    """Full-batch gradient descent at the rate eta on the mean squared error takes steps of 2 eta of the flow's time."""
    for field, value, allowed in (
        ("optimizer", recipe.optimizer, "sgd"),
        ("momentum", recipe.momentum, 0.0),
        ("schedule", recipe.schedule, "constant"),
        ("weight_decay", recipe.weight_decay, 0.0),
        ("method", recipe.method or "gradient", "gradient"),
    ):
        if value != allowed:
            raise ValueError(f"{section}.{field} = {value}: allowed for a theory of rich training: {allowed}")
    if recipe.batch_size < size:
        raise ValueError(f"{section}.batch_size = {recipe.batch_size}: allowed for a theory of rich training: {size}")
    return Stage(gamma, 2 * recipe.learning_rate * (recipe.steps or recipe.epochs))
