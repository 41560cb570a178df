"""What an epoch's record says: errors and losses of the whole train and test sets, in evaluation mode."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from architectures import Network
from orchestrator.train.batch_sizes import MOST_IMAGES, passes
from orchestrator.train.prefix import Inputs
from tasks import TaskData


@torch.no_grad()
def evaluate(network: Network, data: TaskData, inputs: Inputs) -> dict[str, float]:
    """The error and loss fields of EpochRecord. One pass over both sets gives all of them.

    Leaves the network in evaluation mode.
    """
    network.eval()
    test_logits, logits = inputs.all_logits(network)
    test_loss, test_predicted = _read(test_logits, data.test_labels)
    train_loss, predicted = _read(logits, data.labels)
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


def _read(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """(summed cross-entropy in float64, predicted classes (N,)) of logits (N, classes)."""
    logits = logits.float()
    parts = passes(len(labels), MOST_IMAGES)
    losses = [cross_entropy(logits[part], labels[part], reduction="sum").double() for part in parts]
    return torch.stack(losses).sum(), logits.argmax(1)


def _share(count: int, among: int) -> float:
    return count / among if among else float("nan")
