"""A polynomial teacher: y = He_k(w.x)/sqrt(k!) + noise, on Gaussian vectors x ~ N(0, I) of any length.

He_k is the probabilists' Hermite polynomial, so that y has mean 0 and variance 1 without noise, and teachers of unlike
degree are uncorrelated. w = alignment e_1 + sqrt(1 - alignment^2) e_2: a teacher of alignment 1 is the one that others
are compared with. (Inputs are isotropic: which axis it is makes no difference.) The setting is that of Lauditi,
Bordelon & Pehlevan 2025 (arXiv:2507.04448).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np
from numpy.polynomial.hermite_e import hermeval
from pydantic import Field

from sweeps.language.field_types import AtLeastTwo, Count, NonNegative, Real, Spec
from sweeps.seeds import Role
from tasks.dataset import Dataset, ParameterisedDataset, Samples
from tasks.streams import stream

TEST_SAMPLES = 2000
LIMIT = 1_000_000
CITATION = (
    "Gaussian inputs with a teacher: C. Lauditi, B. Bordelon and C. Pehlevan (2025), Transfer Learning in Infinite "
    "Width Feature Learning Networks, arXiv:2507.04448 (drawn anew here)."
)


class LinearTeacher(Spec):
    """Length of the inputs, cosine of this teacher and the one of alignment 1, standard deviation of the noise on the
    training targets."""

    dimension: AtLeastTwo = 100
    alignment: Annotated[Real, Field(ge=-1, le=1, allow_inf_nan=False)] = 1.0
    noise: NonNegative = 0.0


class PolynomialTeacher(LinearTeacher):
    """The same, and the degree k."""

    degree: Annotated[Count, Field(le=10)] = 2


def samples(values: LinearTeacher, degree: int, role: Role, size: int, seed: int) -> Samples:
    """Inputs (size, D) and targets (size, 1) without noise. Fewer samples are a prefix of more."""
    inputs = stream(seed, role, "render").standard_normal((size, values.dimension))
    along = values.alignment * inputs[:, 0] + math.sqrt(1 - values.alignment**2) * inputs[:, 1]
    targets = hermeval(along, [*[0.0] * degree, 1.0]) / math.sqrt(math.factorial(degree))
    return inputs.astype(np.float32), targets[:, None].astype(np.float32)


def train(
    values: LinearTeacher, degree: int, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int
) -> Samples:
    """Training samples of a role, their targets with noise."""
    inputs, targets = samples(values, degree, role, size, seed)
    noise = stream(seed, role, "label_noise").standard_normal((size, 1))
    return inputs, targets + np.float32(values.noise) * noise.astype(np.float32)


def test(values: LinearTeacher, degree: int, classes: tuple[int, ...], side: int) -> Samples:
    """2,000 test samples without noise, the same for every role and seed."""
    return samples(values, degree, "test", TEST_SAMPLES, 0)


def teacher(name: str, values: LinearTeacher, degree: int) -> Dataset:
    return Dataset(
        name=name,
        classes=(),
        default=(),
        targets=1,
        vector=values.dimension,
        pool=None,
        limit=LIMIT,
        mean=0.0,
        std=1.0,
        train=partial(train, values, degree),
        test=partial(test, values, degree),
        held_out=lambda classes: TEST_SAMPLES,
        citation=CITATION,
        licence="Apache-2.0",
    )


def with_values(values: PolynomialTeacher) -> Dataset:
    return teacher("polynomial_teacher", values, values.degree)


DATASET = ParameterisedDataset("polynomial_teacher", PolynomialTeacher, with_values)
