"""The losses that a recipe may ask for. Training minimises the mean over a batch; an epoch's record has the mean over
each set.

There is no `logistic`: of a head with two outputs it is the cross-entropy, and two names of one loss would give equal
results two ids.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sweeps.spec import DEFAULT_LOSS, Loss, Recipe


class LossFunction(Protocol):
    """A scalar from outputs (N, outputs), float32, and labels: the mean or the sum over the N samples.

    Labels are classes (N,), int64, or the targets of a regression (N, outputs), float32, which `squared` alone takes.
    """

    def __call__(self, logits: Tensor, labels: Tensor, /, *, reduction: Literal["mean", "sum"] = "mean") -> Tensor: ...


def squared(logits: Tensor, labels: Tensor, /, *, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Squared distance to the target, averaged over outputs. The target of a class is its one-hot vector (Hui & Belkin
    2021, arXiv:2006.07322, with no rescaling).

    Example: logits [[1.0, 0.0]] and label [1] give (1 + 1) / 2 = 1.0.
    """
    one_hot = labels.ndim == 1
    targets = labels[:, None] == torch.arange(logits.shape[1], device=labels.device) if one_hot else labels
    each = (logits - targets.to(logits.dtype)).square().mean(1)
    return each.mean() if reduction == "mean" else each.sum()


LOSSES: dict[Loss, LossFunction] = {
    "cross_entropy": cross_entropy,
    "squared": squared,
}
"""One row a loss. `cross_entropy` is in nats, of the softmax of the logits."""


def loss_of(recipe: Recipe) -> LossFunction:
    """The loss that a recipe names."""
    return LOSSES[recipe.loss or DEFAULT_LOSS]
