"""What one image costs in each unit of a network, counted from its shape without building it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from architectures.shapes import BLOCKS, LAYERS, patch_side
from sweeps.memo import cached
from sweeps.spec import ModelSpec


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


@cached
def unit_work(model: ModelSpec, classes: int) -> tuple[Work, ...]:
    """One entry per unit of the ladder, stem first, head last, for a task of so many classes."""
    units = {"resnet": _resnet, "densenet": _densenet, "vit": _vit}[model.family]
    return tuple(units(model, classes))


@cached
def work_from(model: ModelSpec, classes: int, cut: int) -> Work:
    """All units after the first `cut`, together."""
    return sum(unit_work(model, classes)[cut:], NOTHING)


def _convolution(side: int, inputs: int, outputs: int, kernel: int) -> Work:
    """A convolution to side x side pixels, with the norm and the activation that come with it."""
    pixels = side * side
    return Work(kernel * kernel * inputs * outputs * pixels, 3 * outputs * pixels, 3)


def _half(side: int) -> int:
    return (side + 1) // 2


def _resnet(model: ModelSpec, classes: int) -> Iterator[Work]:
    side, channels = model.image_size, model.width
    yield _convolution(side, model.channels, channels, 3)
    for stage, blocks in enumerate(BLOCKS[model.depth]):
        for block in range(blocks):
            inputs, outputs = channels, model.width * 2**stage
            side = _half(side) if stage and not block else side
            first = _convolution(side, inputs, outputs, 3)
            yield first if inputs == outputs else first + _convolution(side, inputs, outputs, 1)
            yield _convolution(side, outputs, outputs, 3) + Work(0, outputs * side * side, 1)
            channels = outputs
    yield Work(channels * classes, channels + classes, 3)


def _densenet(model: ModelSpec, classes: int) -> Iterator[Work]:
    side, width, channels = model.image_size, model.width, 2 * model.width
    yield _convolution(side, model.channels, channels, 3)
    layers = LAYERS[model.depth]
    for block, count in enumerate(layers, start=1):
        for layer in range(1, count + 1):
            pixels = side * side
            # A dense layer joins all before it, normalises them, and only then narrows them.
            joined = Work(0, 3 * channels * pixels, 4)
            narrow = Work(4 * width * channels * pixels, 3 * 4 * width * pixels, 3)
            dense = joined + narrow + Work(9 * 4 * width * width * pixels, width * pixels, 1)
            channels += width
            if layer == count:
                dense += Work(0, 2 * channels * pixels, 2)
                if block < len(layers):
                    dense += Work(channels * (channels // 2) * pixels, channels // 2 * pixels, 2)
                    side, channels = side // 2, channels // 2
            yield dense
    yield Work(channels * classes, channels + classes, 3)


def _vit(model: ModelSpec, classes: int) -> Iterator[Work]:
    width, patch = model.width, patch_side(model.image_size)
    patches = (model.image_size // patch) ** 2
    tokens = patches + 1
    yield Work(patches * patch * patch * model.channels * width, 3 * tokens * width, 5)
    for block in range(model.depth):
        products = Work(12 * width * width * tokens, 20 * width * tokens, 14)
        attention = Work(2 * tokens * tokens * width, 4 * tokens * tokens, 8)
        last = Work(0, width * tokens, 1) if block == model.depth - 1 else NOTHING
        yield products + attention + last
    yield Work(width * classes, width + classes, 3)
