"""What an epoch's record says: errors and losses of the whole train and test sets, in evaluation mode."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from architectures import Network
from orchestrator.prefix import Inputs, chunks
from tasks import TaskData


@torch.no_grad()
def evaluate(network: Network, data: TaskData, inputs: Inputs) -> dict[str, float]:
    """The error and loss fields of EpochRecord. One pass over each set gives all of them.

    Leaves the network in evaluation mode.
    """
    network.eval()
    test_loss, test_predicted = _pass(network, inputs, "test", data.test_labels)
    train_loss, predicted = _pass(network, inputs, "train", data.labels)
    wrong = predicted != data.labels
    untrue = predicted != data.true_labels
    flipped = data.flipped
    sums = torch.stack(
        [
            (test_predicted != data.test_labels).sum(),
            wrong.sum(),
            (wrong & ~flipped).sum(),
            (wrong & flipped).sum(),
            (untrue & flipped).sum(),
            flipped.sum(),
        ]
    ).tolist()
    test_wrong, train_wrong, clean_wrong, given_wrong, true_wrong, noisy = sums
    samples = len(data.labels)
    return {
        "test_error": test_wrong / len(data.test_labels),
        "test_loss": test_loss.item() / len(data.test_labels),
        "train_error": train_wrong / samples,
        "train_loss": train_loss.item() / samples,
        "train_error_clean": _share(clean_wrong, samples - noisy),
        "train_error_flipped_given": _share(given_wrong, noisy),
        "train_error_flipped_true": _share(true_wrong, noisy),
    }


def _pass(network: Network, inputs: Inputs, part: Literal["train", "test"], labels: Tensor) -> tuple[Tensor, Tensor]:
    """(summed cross-entropy in float64, predicted classes (N,))."""
    losses, predictions = [], []
    for chunk in chunks(len(labels)):
        logits = inputs.logits(network, part, chunk).float()
        losses.append(cross_entropy(logits, labels[chunk], reduction="sum").double())
        predictions.append(logits.argmax(1))
    return torch.stack(losses).sum(), torch.cat(predictions)


def _share(count: int, among: int) -> float:
    return count / among if among else float("nan")
