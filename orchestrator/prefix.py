"""The frozen prefix: computed once where that is exact, in every pass where it is not.

A wholly frozen prefix whose norms are in evaluation mode gives the same activations in every epoch. They are computed
once for all images and training starts from them. Convolutions and matrix products here give an image the same
activations in every batch of two or more (a test holds this to the bit, CPU, float32); a batch of one may take another
kernel, hence no chunk of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from architectures import Network
from sweeps.spec import Recipe
from tasks import TaskData

Part = Literal["train", "test"]
CHUNK = 1000
"""Images per evaluation batch: fixed, so that results do not depend on a device's memory."""


class Inputs:
    """What the trained part of a network reads: images (`cut` 0), or the activations of its frozen prefix.

    train / test: tensors whose first axis is the sample's.
    """

    def __init__(self, cut: int, train: tuple[Tensor, ...], test: tuple[Tensor, ...]) -> None:
        self.cut = cut
        self._parts: dict[Part, tuple[Tensor, ...]] = {"train": train, "test": test}

    def logits(self, network: Network, part: Part, index: Tensor | slice) -> Tensor:
        state = self._parts[part]
        if self.cut == 0:
            return network(state[0][index])
        return network.suffix(tuple(tensor[index] for tensor in state), self.cut)

    def state(self, part: Part) -> tuple[Tensor, ...]:
        """The tensors of all samples of a set."""
        return self._parts[part]

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for state in self._parts.values() for tensor in state)


def images(data: TaskData) -> Inputs:
    return Inputs(0, (data.inputs,), (data.test_inputs,))


def declined(network: Network, recipe: Recipe, samples: int) -> str | None:
    """Why the prefix must be computed in every pass; None if once is exact."""
    if network.frozen == 0:
        return "nothing is frozen"
    if recipe.augment != "none":
        return f"augment = {recipe.augment}: images differ from epoch to epoch"
    if not network.exact_prefix():
        return f"transfer.norm = {network.frozen_norm}: frozen norms see the batch"
    if recipe.batch_size == 1 or samples == 1:
        return "train.batch_size = 1: a batch of one may take another kernel"
    return None


@torch.no_grad()
def activations(network: Network, data: TaskData, most_bytes: int) -> Inputs | None:
    """The activations of the frozen prefix for all images; None if they would take more than `most_bytes`."""
    network.eval()
    cut, parts = network.frozen, []
    samples = len(data.inputs) + len(data.test_inputs)
    probe = network.prefix(data.inputs[:2], cut)
    if sum(tensor.nbytes for tensor in probe) / 2 * samples > most_bytes:
        return None
    for inputs in (data.inputs, data.test_inputs):
        pieces = [network.prefix(inputs[chunk], cut) for chunk in chunks(len(inputs))]
        parts.append(tuple(torch.cat(tensors) for tensors in zip(*pieces, strict=True)))
    return Inputs(cut, parts[0], parts[1])


def chunks(samples: int) -> Iterator[slice]:
    """Slices of CHUNK samples; a lone last one joins the slice before it."""
    start = 0
    while start < samples:
        stop = start + CHUNK
        if samples - stop <= 1:
            stop = samples
        yield slice(start, stop)
        start = stop
