"""Exact optimal transport between clouds of features (POT; Flamary et al. 2021, JMLR 22(78)), cost the distance."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from analysis.transferability.pair import Array, Samples

_NO_TORCH = "POT_BACKEND_DISABLE_PYTORCH"
MOST_ITERATIONS = 1_000_000


def plan(cost: Array, source_weights: Array | None = None, target_weights: Array | None = None) -> Array:
    """The cheapest coupling (m, n) of a cost (m, n); weights sum to 1 each and are uniform by default."""
    m, n = cost.shape
    a = np.full(m, 1.0 / m) if source_weights is None else source_weights
    b = np.full(n, 1.0 / n) if target_weights is None else target_weights
    return np.asarray(_pot().emd(a, b, cost, numItermax=MOST_ITERATIONS))


def coupling(source: Array, target: Array) -> tuple[Array, float]:
    """The cheapest coupling (m, n) of two clouds (m, p), (n, p) with uniform weights, and their distance W1.

    >>> coupling(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]))[1]
    1.5
    """
    cost = np.asarray(cdist(source, target), dtype=np.float64)
    cheapest = plan(cost)
    return cheapest, float((cheapest * cost).sum())


def distance(cost: Array) -> float:
    """W1 of two clouds with uniform weights from their cost (m, n). For as many samples on either side a permutation is
    among the cheapest couplings (Birkhoff), and finding that one is ten times as fast as transport."""
    if cost.shape[0] == cost.shape[1]:
        return float(cost[linear_sum_assignment(cost)].mean())
    return float((plan(cost) * cost).sum())


def class_distances(source: Samples, target: Samples) -> Array:
    """W1 of each target class from each source class: (target classes, source classes).

    A class without samples is at the distance infinity of all others.
    """
    cost = np.asarray(cdist(source.features, target.features), dtype=np.float64)
    sources = [np.flatnonzero(source.labels == label) for label in range(source.classes)]
    targets = [np.flatnonzero(target.labels == label) for label in range(target.classes)]
    found = np.full((target.classes, source.classes), np.inf)
    for row, there in enumerate(targets):
        for column, here in enumerate(sources):
            if len(here) and len(there):
                found[row, column] = distance(cost[np.ix_(here, there)])
    return found


@cache
def _pot() -> Any:
    """POT without its backend for torch: it is given NumPy arrays alone, and analysis loads no torch."""
    before = os.environ.get(_NO_TORCH)
    os.environ[_NO_TORCH] = "1"
    try:
        import ot
    finally:
        if before is None:
            del os.environ[_NO_TORCH]
        else:
            os.environ[_NO_TORCH] = before
    return ot
