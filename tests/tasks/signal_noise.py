"""A data set with parameters, as a file of `tasks/datasets` would have it: bright rows on noise."""

from __future__ import annotations

import numpy as np

from sweeps.seeds import Role
from sweeps.spec import Index, Share, Spec
from tasks.dataset import Dataset, ParameterisedDataset, Samples
from tasks.streams import stream

SIDE = 8


class SignalNoise(Spec):
    """How many rows tell the class, how many are bright in every class, and the height of the noise."""

    universal: Index = 4
    specific: Index
    noise: Share = 0.25
    mirrored: bool | None = None
    """As a parameter that was added later: None is the data as they were before."""


def with_values(values: SignalNoise) -> Dataset:
    def images(labels: np.ndarray, role: Role, seed: int) -> np.ndarray:
        made = stream(seed, role, "render").random((len(labels), 1, SIDE, SIDE)).astype(np.float32) * values.noise
        made[:, :, : values.universal] += 0.5
        for row in range(values.specific):
            made[np.arange(len(labels)), 0, -1 - row, labels] += 0.5
        return made[..., ::-1].copy() if values.mirrored else made

    def train(classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> Samples:
        labels = np.arange(size, dtype=np.int64) % len(classes)
        return images(labels, role, seed), labels

    def test(classes: tuple[int, ...], side: int) -> Samples:
        labels = np.arange(10 * len(classes), dtype=np.int64) % len(classes)
        return images(labels, "test", 0), labels

    return Dataset(
        name="signal_noise",
        classes=tuple("abcd"),
        default=(0, 1, 2, 3),
        pool=None,
        limit=1000,
        mean=0.3,
        std=0.3,
        train=train,
        test=test,
        held_out=lambda classes: 10 * len(classes),
        citation="Signal and noise: a test.",
        licence="Apache-2.0",
    )


DATASET = ParameterisedDataset("signal_noise", SignalNoise, with_values)
