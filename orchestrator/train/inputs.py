"""What the trained part of a network reads: images, or the activations of its frozen prefix."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from architectures import Network
from architectures.families.ladder import State
from orchestrator.train.batch_sizes import MOST_IMAGES, images_per_pass, side_of_vector
from tasks import TaskData


class Inputs:
    """Both sets as tensors: images (`cut` 0), or the activations after the first `cut` units.

    train / test: tensors whose first axis is the sample's. `most`: samples per evaluation batch. `test_parts` /
    `train_parts`: slices of each set in which losses are summed.
    """

    def __init__(self, cut: int, train: State, test: State, most: int) -> None:
        self.cut = cut
        self.most = most
        self.bytes = sum(tensor.nbytes for tensor in (*train, *test))
        self.train = train
        self.test = test
        self.train_parts = passes(len(train[0]), MOST_IMAGES)
        self.test_parts = passes(len(test[0]), MOST_IMAGES)
        self._slices = passes(len(test[0]) + len(train[0]), most)
        in_memory = all(isinstance(tensor, Tensor) for tensor in (*train, *test))
        self._ready = [self._both(chunk) for chunk in self._slices] if in_memory else None

    @property
    def chunks(self) -> Iterable[State]:
        """The test set followed by the training set, in the fewest passes that `most` allows.

        One after the other where they are read from a file: what does not fit is never in memory as a whole.
        """
        return self._ready if self._ready is not None else map(self._both, self._slices)

    def train_logits(self, network: Network, index: Tensor) -> Tensor:
        """(len(index), classes): of the training samples at `index`."""
        return self._logits(network, tuple(tensor[index] for tensor in self.train))

    def all_logits(self, network: Network) -> tuple[Tensor, Tensor]:
        """Of all samples: the test set's (M, classes), the training set's (N, classes).

        In the fewest passes that `most` allows. One pass may hold the end of one set and the start of the other: where
        sets are small, a pass costs about the same whatever its size.
        """
        logits = torch.cat([self._logits(network, chunk) for chunk in self.chunks])
        test = len(self.test[0])
        return logits[:test], logits[test:]

    def _logits(self, network: Network, state: State) -> Tensor:
        return network(state[0]) if self.cut == 0 else network.suffix(state, self.cut)

    def _both(self, chunk: slice) -> State:
        """A slice of the test set followed by the training set; copied only where it holds some of both."""
        test, train, end = self.test, self.train, len(self.test[0])
        if chunk.stop <= end:
            return tuple(tensor[chunk] for tensor in test)
        if chunk.start >= end:
            return tuple(tensor[chunk.start - end : chunk.stop - end] for tensor in train)
        return tuple(torch.cat([a[chunk.start :], b[: chunk.stop - end]]) for a, b in zip(test, train, strict=True))


def images(data: TaskData) -> Inputs:
    """The images themselves. Evaluation batches have the same size with and without stored activations."""
    shape = data.inputs.shape
    side = shape[-1] if len(shape) == 4 else side_of_vector(shape[-1])
    most = images_per_pass(side, data.inputs.device.type == "cpu")
    return Inputs(0, (data.inputs,), (data.test_inputs,), most)


def passes(samples: int, most: int) -> list[slice]:
    """The fewest slices of at most `most` samples each, of sizes that differ by one at most.

    Example: `passes(5, 2)` is `[slice(0, 1), slice(1, 3), slice(3, 5)]`.
    """
    number = -(-samples // most)
    return [slice(i * samples // number, (i + 1) * samples // number) for i in range(number)]
