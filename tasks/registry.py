"""The data sets, as one literal table."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from tasks.dataset import Dataset, ParameterisedDataset

DATASETS = {
    "cifar10": "tasks.datasets.cifar10",
    "cifar100": "tasks.datasets.cifar100",
    "digits": "tasks.datasets.digits",
    "fashion_mnist": "tasks.datasets.fashion_mnist",
    "food101": "tasks.datasets.food101",
    "glyphs": "tasks.datasets.glyphs",
    "images": "tasks.datasets.images",
    "linear_teacher": "tasks.datasets.linear_teacher",
    "mnist": "tasks.datasets.mnist",
    "noisy_digits": "tasks.datasets.noisy_digits",
    "polynomial_teacher": "tasks.datasets.polynomial_teacher",
    "signal_noise": "tasks.datasets.signal_noise",
    "sine_drift": "tasks.datasets.sine_drift",
    "svhn": "tasks.datasets.svhn",
    "tiny_imagenet": "tasks.datasets.tiny_imagenet",
}
"""A row for each data set: its name and the module whose `DATASET` it is, imported when it is first asked for."""


def row(name: str) -> Dataset | ParameterisedDataset:
    """The data set of that name, one of DATASETS."""
    return import_module(DATASETS[name]).DATASET


@cache
def parameter_names() -> frozenset[str]:
    """The names of all parameters that tasks have."""
    rows = [found for found in map(row, DATASETS) if isinstance(found, ParameterisedDataset)]
    return frozenset(name for found in rows for name in found.parameters.model_fields)
