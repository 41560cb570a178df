"""The bound of task transfer analysis (Mehra, Zhang, Hamm, NeurIPS 2024, arXiv:2307.00823): its terms and their sum.

A source task is transformed into the target's: its class prior becomes D, its labels are mapped by B, its features by
z -> Az + b. Each step adds one term to the loss of the source's head h, transformed along with it:

    loss on the target of the best head  <=  sum_y D_y E[loss(h, y) | y]  +  H  +  tau W

H is the conditional entropy of B under D, W the Wasserstein distance of the transformed source from the target with the
distance of features as cost where labels agree and infinity where not, tau the Lipschitz constant of the transformed
head's loss in its features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.transferability.label_map import LabelMap
from analysis.transferability.pair import Array, Samples
from analysis.transferability.softmax_head import Head, lipschitz
from analysis.transferability.transport import coupling


class Bound(NamedTuple):
    """Losses and entropies in nats. `tau` per unit of the scaled features, `wasserstein` in that unit."""

    reweighted_loss: float
    label_entropy: float
    wasserstein: float
    tau: float
    measured_loss: float
    """Of a linear head trained on the target, on samples of the target that it did not see."""
    transformed_loss: float
    """Of the source's head, transformed, on the target's samples: what the bound is proved of."""

    @property
    def total(self) -> float:
        return self.reweighted_loss + self.label_entropy + self.tau * self.wasserstein

    @property
    def violated(self) -> bool:
        """Whether a head trained on the target has a larger loss than the bound says the best one has."""
        return self.measured_loss > self.total

    def columns(self) -> dict[str, float]:
        """As tables have it."""
        return {
            "tta_bound": self.total,
            "tta_reweighted_loss": self.reweighted_loss,
            "tta_label_entropy": self.label_entropy,
            "tta_wasserstein": self.wasserstein,
            "tta_tau": self.tau,
            "tta_measured_loss": self.measured_loss,
            "tta_violated": float(self.violated),
        }


class Transformation(NamedTuple):
    """A: (p, p), orthogonal; b: (p,); labels: B and D."""

    A: Array
    b: Array
    labels: LabelMap

    def apply(self, features: Array) -> Array:
        return features @ self.A.T + self.b

    def head(self, source_head: Head) -> Head:
        """The source's head on transformed features: rows w_j A' (A is orthogonal, A^-1 = A'), bias c_j - w_j A' b.

        Its Lipschitz constant is the source head's: distances between rows are kept.
        """
        weights = source_head.weights @ self.A.T
        return Head(weights, source_head.bias - weights @ self.b)


def restricted(source: Samples, labels: LabelMap) -> tuple[Samples, Array]:
    """The source's samples of the classes that are chosen, numbered anew, and their weights (n,) under the prior D.

    A head on these classes alone has no larger a loss on them than one on all, nor a larger Lipschitz constant.
    """
    used = np.unique(labels.chosen)
    rows = np.isin(source.labels, used)
    kept = Samples(source.features[rows], np.searchsorted(used, source.labels[rows]), len(used))
    counts = np.bincount(kept.labels, minlength=len(used))
    if (counts == 0).any():
        raise ValueError(f"source class {used[counts == 0][0]} is chosen and has no samples")
    return kept, (labels.D[used] / counts)[kept.labels]


def evaluated(source: Samples, target: Samples, by: Transformation, head: Head, measured_loss: float) -> Bound:
    """The bound of a transformation and a head on the chosen source classes (in the order of `restricted`).

    The distance is exact: labels agree only within a target class and the source class chosen for it, so the
    transport falls into one problem for each target class, weighted by its share.
    """
    kept, weights = restricted(source, by.labels)
    prior, moved = target.prior(), by.apply(source.features)
    distance = sum(
        prior[label] * coupling(moved[source.labels == chosen], target.features[target.labels == label])[1]
        for label, chosen in enumerate(by.labels.chosen)
        if prior[label] > 0
    )
    return Bound(
        reweighted_loss=head.loss(kept.features, kept.labels, weights),
        label_entropy=by.labels.label_entropy(),
        wasserstein=float(distance),
        tau=lipschitz(head.weights),
        measured_loss=measured_loss,
        transformed_loss=transformed_loss(target, by, head),
    )


def transformed_loss(target: Samples, by: Transformation, head: Head) -> float:
    """Mean cross-entropy of the transformed head on the target: class i has the probability B_ij softmax_j."""
    used = np.unique(by.labels.chosen)
    logs = by.head(head).log_probabilities(target.features)
    chosen = by.labels.chosen[target.labels]
    share = by.labels.B[target.labels, chosen]
    return float(-(np.log(share) + logs[np.arange(len(chosen)), np.searchsorted(used, chosen)]).mean())
