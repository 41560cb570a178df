"""A linear teacher: y = w.x + noise, on Gaussian vectors x ~ N(0, I). It is the polynomial teacher of degree 1."""

from __future__ import annotations

from tasks.dataset import Dataset, ParameterisedDataset
from tasks.datasets.polynomial_teacher import LinearTeacher, teacher


def with_values(values: LinearTeacher) -> Dataset:
    return teacher("linear_teacher", values, 1)


DATASET = ParameterisedDataset("linear_teacher", LinearTeacher, with_values)
