"""The frozen prefix: computed once where that is exact, in every pass where it is not.

A wholly frozen prefix whose norms are in evaluation mode gives the same activations in every epoch. They are computed
once for all images and training starts from them. That is exact only if an image's activations do not depend on the
batch it is in. Libraries promise no such thing: they choose kernels by size, and other kernels add in another order.
(Seen with torch 2.15: none but a batch of one on an Intel Xeon; batches under 16 in a narrow DenseNet on an AMD EPYC.)
So evaluation reads the same batches either way, and training batches are tried, size by size, before they are spared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor

from architectures import Network
from architectures.families.ladder import State
from orchestrator.train.batch_sizes import images_per_pass, passes
from sweeps.spec import Recipe
from tasks import TaskData

Part = Literal["train", "test"]


class Inputs:
    """What the trained part of a network reads: images (`cut` 0), or the activations of its frozen prefix.

    train / test: tensors whose first axis is the sample's. `most`: samples per evaluation batch.
    """

    def __init__(self, cut: int, train: State, test: State, most: int) -> None:
        self.cut = cut
        self._parts: dict[Part, State] = {"train": train, "test": test}
        self.chunks = [self._both(chunk) for chunk in passes(len(test[0]) + len(train[0]), most)]

    def train_logits(self, network: Network, index: Tensor) -> Tensor:
        """(len(index), classes): of the training samples at `index`."""
        return self._logits(network, tuple(tensor[index] for tensor in self._parts["train"]))

    def all_logits(self, network: Network) -> tuple[Tensor, Tensor]:
        """Of all samples: the test set's (M, classes), the training set's (N, classes).

        In as few passes as `most` allows, one of which may hold the end of one set and the start of the other: where
        sets are small, a pass costs about the same whatever their size.
        """
        logits = torch.cat([self._logits(network, chunk) for chunk in self.chunks])
        test = len(self._parts["test"][0])
        return logits[:test], logits[test:]

    def state(self, part: Part) -> State:
        """The tensors of all samples of a set."""
        return self._parts[part]

    @property
    def bytes(self) -> int:
        return sum(tensor.nbytes for state in self._parts.values() for tensor in state)

    def _logits(self, network: Network, state: State) -> Tensor:
        return network(state[0]) if self.cut == 0 else network.suffix(state, self.cut)

    def _both(self, chunk: slice) -> State:
        """A slice of the test set followed by the training set; copied only where it holds some of both."""
        test, train = self._parts["test"], self._parts["train"]
        end = len(test[0])
        if chunk.stop <= end:
            return tuple(tensor[chunk] for tensor in test)
        if chunk.start >= end:
            return tuple(tensor[chunk.start - end : chunk.stop - end] for tensor in train)
        return tuple(torch.cat([a[chunk.start :], b[: chunk.stop - end]]) for a, b in zip(test, train, strict=True))


def batch_of(data: TaskData) -> int:
    """Images per evaluation batch, with and without stored activations."""
    return images_per_pass(data.inputs.shape[-1], data.inputs.device.type == "cpu")


def images(data: TaskData) -> Inputs:
    return Inputs(0, (data.inputs,), (data.test_inputs,), batch_of(data))


def declined(network: Network, recipe: Recipe) -> str | None:
    """Why the prefix must be computed in every pass; None if once is exact."""
    if network.frozen == 0:
        return "nothing is frozen"
    if recipe.augment != "none":
        return f"augment = {recipe.augment}: images differ from epoch to epoch"
    if not network.exact_prefix():
        return f"transfer.norm = {network.frozen_norm}: frozen norms see the batch"
    return None


@torch.no_grad()
def activations(network: Network, data: TaskData, most_bytes: int) -> Inputs | None:
    """The activations of the frozen prefix for all images; None if they would take more than `most_bytes`."""
    network.eval()
    cut, test = network.frozen, len(data.test_inputs)
    probe = network.prefix(data.inputs[:2], cut)
    if sum(tensor.nbytes for tensor in probe) / len(data.inputs[:2]) * (test + len(data.inputs)) > most_bytes:
        return None
    pieces = [network.prefix(chunk[0], cut) for chunk in images(data).chunks]
    state = [torch.cat(tensors) for tensors in zip(*pieces, strict=True)]
    train, tested = tuple(tensor[test:] for tensor in state), tuple(tensor[:test] for tensor in state)
    return Inputs(cut, train, tested, batch_of(data))


@torch.no_grad()
def inexact_batch(network: Network, data: TaskData, inputs: Inputs, sizes: Iterable[int]) -> int | None:
    """The first of these batch sizes at which the prefix gives other bits than `inputs` holds; None if none does."""
    network.eval()
    for size in sorted(set(sizes)):
        batch = network.prefix(data.inputs[:size].clone(), inputs.cut)
        if not all(torch.equal(a, b[:size]) for a, b in zip(batch, inputs.state("train"), strict=True)):
            return size
    return None
