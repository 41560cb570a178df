"""What one image costs in a unit of a network: the measures, and those of a convolution and of a linear head."""

from __future__ import annotations

from typing import NamedTuple


class Work(NamedTuple):
    """The forward pass of one image through one unit or several; `calls` are per batch, however large.

    `multiply_adds` of convolutions, matrix products and attention; `elements` written by these, by norms and by
    activations, which is what narrow networks wait for; `calls` of operators, which is what small batches wait for.
    """

    multiply_adds: float
    elements: float
    calls: float

    def __add__(self, other: Work) -> Work:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Work(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING = Work(0.0, 0.0, 0.0)


def convolution(side: int, inputs: int, outputs: int, kernel: int) -> Work:
    """A convolution to side x side pixels, with the norm and the activation that come with it."""
    pixels = side * side
    return Work(kernel * kernel * inputs * outputs * pixels, 3 * outputs * pixels, 3)


def linear_head(features: int, classes: int) -> Work:
    """Pooling to a vector of features, and a linear layer."""
    return Work(features * classes, features + classes, 3)
