"""Signal and noise: two patches, one of which tells the class.

The data model of Yuan et al., "Towards Understanding Feature Learning in Parameter Transfer" (arXiv:2509.22056). A
sample of class y = -1 or 1 has a signal patch y (u + v_k) and a noise patch xi ~ N(0, s^2 I) without components along u
and v_k. u is shared by all tasks; v_1, v_2, ... are their own, and all are orthogonal. A source and a target have
another k each. A network that reads patches finds the signal patch in the first side**2 // 2 pixels of an image, row by
row, and the noise patch in the next as many.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from sweeps.language.field_types import NonNegative, Spec, Whole
from sweeps.seeds import Role
from tasks.dataset import Dataset, ParameterisedDataset, Samples
from tasks.streams import stream

MOST_DIRECTIONS = 16
TEST_SAMPLES = 2000
CLASSES = ("minus", "plus")


class SignalNoise(Spec):
    """universal, specific: |u|^2 and |v_k|^2; direction: k; noise: s; dimension: entries of a patch that are not 0.

    The defaults are a choice of this project.
    """

    universal: NonNegative = 2.0
    specific: NonNegative = 4.0
    direction: Annotated[Whole, Field(ge=1, le=MOST_DIRECTIONS)] = 1
    noise: NonNegative = 1.0
    dimension: Annotated[Whole, Field(ge=MOST_DIRECTIONS + 1, le=25_000)] = 1000


def samples(values: SignalNoise, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
    """The classes take turns. Entry 0 of a patch is the direction of u, entry k that of v_k."""
    labels = np.arange(size, dtype=np.int64) % len(classes)
    half = side**2 // 2
    pixels = np.zeros((size, side**2), dtype=np.float32)
    signs = 2.0 * np.asarray(classes)[labels] - 1.0
    pixels[:, 0] = signs * math.sqrt(values.universal)
    pixels[:, values.direction] = signs * math.sqrt(values.specific)
    drawn = stream(seed, role, "render").standard_normal((size, values.dimension))
    drawn[:, [0, values.direction]] = 0.0
    pixels[:, half : half + values.dimension] = values.noise * drawn
    return pixels.reshape(size, 1, side, side), labels


def test(values: SignalNoise, classes: tuple[int, ...], side: int) -> Samples:
    """2,000 samples of their own stream, or 1,000 of a single class, the same in every run."""
    return samples(values, classes, "test", held_out(classes), 0, side)


def held_out(classes: tuple[int, ...]) -> int:
    return TEST_SAMPLES // len(CLASSES) * len(classes)


def drawn_at(values: SignalNoise, side: int) -> None:
    if side**2 // 2 < values.dimension:
        least = math.ceil(math.sqrt(2 * values.dimension))
        raise ValueError(
            f"model.image_size = {side}: allowed for signal_noise of dimension {values.dimension}: {least} or more "
            f"(two patches of so many pixels)"
        )


def signals(values: SignalNoise, side: int) -> dict[str, np.ndarray]:
    """Unit vectors of u, v_1 and v_2, and of v_k where k is larger."""
    basis = np.eye(max(2, values.direction) + 1, side**2 // 2, dtype=np.float32)
    return {"universal": basis[0], **{f"specific_{k}": basis[k] for k in sorted({1, 2, values.direction})}}


def with_values(values: SignalNoise) -> Dataset:
    return Dataset(
        name="signal_noise",
        classes=CLASSES,
        default=(0, 1),
        pool=None,
        limit=1_000_000,
        mean=0.0,
        std=1.0,
        train=partial(samples, values),
        test=partial(test, values),
        held_out=held_out,
        drawn_at=partial(drawn_at, values),
        signals=partial(signals, values),
        citation=(
            "Signal and noise: the data model of H. Yuan et al., Towards Understanding Feature Learning in Parameter "
            "Transfer, arXiv:2509.22056, drawn by Frostline."
        ),
        licence="Apache-2.0",
    )


DATASET = ParameterisedDataset("signal_noise", SignalNoise, with_values)
