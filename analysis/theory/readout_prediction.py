"""Whether, and how exactly, the theory of a linear readout predicts a run: from its recipe.

Exact: full-batch gradient descent on squared error. Surrogates, named as such: minibatches (their mean gradient is that
of the full batch, as small steps go), and cross-entropy, linearised at zero logits: its gradient softmax(0) - Y and its
Hessian (1/C)(I - 11'/C) are those of squared error on C (Y - 1/C) at half the rate, whose predicted classes are the
same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.theory.gradient_filter import Descent, Readout, ReadoutCurve, readout_curve
from sweeps.spec import DEFAULT_LOSS, DEFAULT_METHOD, Recipe, TransferSpec

Array = NDArray[np.float64]

EXACT = "exact"


class Kind(NamedTuple):
    """How a prediction relates to the training: `exact`, or which surrogate; the descent that stands for it."""

    name: str
    descent: Descent

    @property
    def predicts_losses(self) -> bool:
        return "cross-entropy" not in self.name


def kind_of(recipe: Recipe, steps_per_epoch: int, transfer: TransferSpec | None = None) -> Kind:
    """Of a recipe whose epoch has so many steps. Raises ValueError, in one line, for one that no theory here is of.

    transfer: may give the head a rate of its own, which is left to no theory here.
    """
    if transfer is not None and transfer.rate_factors is not None:
        raise ValueError(f"transfer.rate_factors = {transfer.rate_factors}: allowed for a theory of the readout: None")
    for field, value, allowed in (
        ("method", recipe.method or DEFAULT_METHOD, (DEFAULT_METHOD,)),
        ("head_start", recipe.head_start, (None,)),
        ("optimizer", recipe.optimizer, ("sgd",)),
        ("schedule", recipe.schedule, ("constant",)),
        ("augment", recipe.augment, ("none",)),
        ("weight_decay", recipe.weight_decay, (0.0,)),
        ("clip", recipe.clip, (None,)),
        ("warmup", recipe.warmup, (None,)),
        ("nesterov", recipe.nesterov, (None,)),
    ):
        if value not in allowed:
            raise ValueError(f"train.{field} = {value}: allowed for a theory of the readout: {allowed[0]}")
    names, rate = [], recipe.learning_rate
    if (recipe.loss or DEFAULT_LOSS) == "cross_entropy":
        names.append("cross-entropy linearised")
        rate /= 2
    if recipe.steps is not None and recipe.steps % steps_per_epoch:
        allowed = f"a multiple of {steps_per_epoch}"
        raise ValueError(f"train.steps = {recipe.steps}: allowed for a theory of the readout: {allowed}")
    if steps_per_epoch > 1:
        names.append("full batches for minibatches")
    name = f"surrogate: {', '.join(names)}" if names else EXACT
    return Kind(name, Descent(rate, recipe.momentum, steps_per_epoch))


def predicted_curve(task: Readout, kind: Kind, epochs: NDArray[np.int64]) -> ReadoutCurve:
    """The curve after each of `epochs`; losses are NaN where the surrogate's are of another loss.

    Cross-entropy: one-hot targets Y become C (Y - 1/C), and the start's part that is common to all classes is dropped,
    which changes no predicted class.
    """
    if kind.predicts_losses:
        return readout_curve(task, kind.descent, epochs)
    start = None if task.start is None else task.start - task.start.mean(1, keepdims=True)
    scaled = task._replace(targets=_logits(task.targets), test_targets=_logits(task.test_targets), start=start)
    found = readout_curve(scaled, kind.descent, epochs)
    unknown = np.full(len(epochs), np.nan)
    return found._replace(train_loss=unknown, test_loss=unknown)


def _logits(targets: Array) -> Array:
    """C (Y - 1/C), of one-hot Y (n, C)."""
    return targets.shape[1] * targets - 1.0
