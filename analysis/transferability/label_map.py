"""Which source class stands for which target class: the label map B and the class prior D of the bound."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from analysis.transferability.pair import Array, Labels


class LabelMap(NamedTuple):
    """`chosen`: (target classes,), the source class of each. From it and the target's prior p_T follow B and D.

    B: (target classes, source classes), each used column summing to 1; D: (source classes,). B D = p_T, exactly.
    Where no source class is chosen twice, D = B' p_T and the label entropy is 0. A source class that stands for several
    target classes is split among them by their shares in p_T. Source classes that are not chosen have D = 0.
    """

    chosen: Labels
    B: Array
    D: Array

    def label_entropy(self) -> float:
        """H = -sum_j D_j sum_i B_ij log B_ij, in nats."""
        logs = np.log(self.B, out=np.zeros_like(self.B), where=self.B > 0)
        return max(0.0, float(-(self.D * (self.B * logs).sum(axis=0)).sum()))


def label_map(chosen: Labels, target_prior: Array, source_classes: int) -> LabelMap:
    """B and D of a choice. Raises ValueError where a class is chosen that the source does not have."""
    if not ((chosen >= 0) & (chosen < source_classes)).all():
        raise ValueError(f"chosen: {chosen.tolist()}; allowed: 0 to {source_classes - 1}")
    D = np.bincount(chosen, weights=target_prior, minlength=source_classes).astype(np.float64)
    B = np.zeros((len(chosen), source_classes))
    for target, source in enumerate(chosen):
        B[target, source] = target_prior[target] / D[source] if D[source] > 0 else 0.0
    return LabelMap(chosen, B, D)


def cheapest(distances: Array, target_prior: Array) -> LabelMap:
    """The assignment of least sum of p_T(i) distances[i, j] (Kuhn 1955, the Hungarian method).

    distances: (target classes, source classes); infinite ones are avoided, and a source class that is at an infinite
    distance from all, having no samples, is not chosen. A source of fewer classes than the target lends each class
    ceil(target classes / source classes) times at most.
    """
    targets, sources = distances.shape
    there = np.flatnonzero(np.isfinite(distances).any(axis=0))
    usable = there if len(there) else np.arange(sources)
    copies = -(-targets // len(usable))
    finite = distances[np.isfinite(distances)]
    large = 1e3 * (1.0 + float(finite.max(initial=0.0)))
    cost = np.where(np.isfinite(distances), distances, large) * target_prior[:, None]
    rows, columns = linear_sum_assignment(np.hstack([cost[:, usable]] * copies))
    chosen = np.empty(targets, dtype=np.int64)
    chosen[rows] = usable[columns % len(usable)]
    return label_map(chosen, target_prior, sources)
