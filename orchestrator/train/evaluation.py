"""The error and loss fields of an epoch's record: the whole train and test sets, in evaluation mode."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from architectures import Network
from orchestrator.train.inputs import Inputs
from orchestrator.train.losses import LossFunction
from tasks import TaskData


@torch.no_grad()
def evaluate(network: Network, data: TaskData, inputs: Inputs, loss: LossFunction) -> dict[str, float]:
    """The error and loss fields of EpochRecord, from one pass over both sets.

    Errors are shares of samples whose largest logit is not their label's; losses are means of the recipe's `loss` over
    the set. Of a regression task an error is the share of the targets' variance that is left unexplained
    (`unexplained_share`). Leaves the network in evaluation mode.
    """
    network.eval()
    test_logits, logits = inputs.all_logits(network)
    if data.is_regression:
        return _regression_scores(test_logits, logits, data)
    test_loss, test_predicted = _read(test_logits, data.test_labels, inputs.test_parts, loss)
    train_loss, predicted = _read(logits, data.labels, inputs.train_parts, loss)
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


def _regression_scores(test_outputs: Tensor, outputs: Tensor, data: TaskData) -> dict[str, float]:
    """The same of a regression task: nothing is flipped there. Outputs (M, T) and (N, T)."""
    train_error, train_loss = unexplained_share(outputs, data.labels)
    test_error, test_loss = unexplained_share(test_outputs, data.test_labels)
    return {
        "test_error": test_error,
        "test_loss": test_loss,
        "train_error": train_error,
        "train_loss": train_loss,
        "train_error_clean": train_error,
        "train_error_flipped_given": math.nan,
        "train_error_flipped_true": math.nan,
    }


def unexplained_share(outputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """(share of the targets' variance left unexplained, mean squared error) of outputs (N, T) for targets (N, T).

    The share is 1 - R^2 over all T values together: the sum of squared errors over that of the targets' deviations from
    their means over the set. 0 is exact, 1 as good as the mean of the targets, and worse is above 1. NaN where targets
    do not vary. The second value is the mean over samples and values, so that N * T times it is the sum.
    """
    errors, targets = (outputs.double() - targets.double()).square(), targets.double()
    variance = (targets - targets.mean(0)).square().sum().item()
    return errors.sum().item() / variance if variance > 0 else math.nan, errors.mean().item()


def _read(logits: Tensor, labels: Tensor, parts: list[slice], loss: LossFunction) -> tuple[Tensor, Tensor]:
    """(summed loss in float64, predicted classes (N,)) of logits (N, classes)."""
    logits = logits.float()
    losses = [loss(logits[part], labels[part], reduction="sum").double() for part in parts]
    return torch.stack(losses).sum(), logits.argmax(1)


def _share(count: int, among: int) -> float:
    return count / among if among else float("nan")
