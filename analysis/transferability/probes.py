"""Scores that classify or compare the target's samples themselves: kNN, a linear probe, PARC. Larger is better."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from analysis.transferability.pair import Array, Samples

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1)
"""Penalties that the linear probe tries, times the mean eigenvalue of the features' second moment."""


def knn(target: Samples, neighbours: int = 5) -> float:
    """Leave-one-out accuracy of the k nearest neighbours (Cover and Hart 1967), Euclidean; of equal votes the nearest.

    In a public comparison of 42,000 experiments (arXiv:2503.18528) it beats most scores.
    """
    apart = cdist(target.features, target.features)
    np.fill_diagonal(apart, np.inf)
    k = min(neighbours, len(apart) - 1)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :k]
    votes = np.zeros((len(apart), target.classes))
    weights = 1.0 + 1e-3 * 0.5 ** np.arange(k)  # breaks ties, and no two sums are equal
    for place in range(k):
        votes[np.arange(len(apart)), target.labels[nearest[:, place]]] += weights[place]
    return float((votes.argmax(axis=1) == target.labels).mean())


def linear_probe(target: Samples) -> float:
    """Leave-one-out accuracy of ridge regression on one-hot labels, in closed form: e_i = r_i / (1 - h_ii).

    The penalty of RIDGES with the smallest leave-one-out squared error (Allen 1974, PRESS).
    """
    wanted = np.eye(target.classes)[target.labels]
    best, accuracy = np.inf, 0.0
    for predicted in left_out_predictions(target.features, wanted):
        error = float(((predicted - wanted) ** 2).mean())
        if error < best:
            best, accuracy = error, float((predicted.argmax(axis=1) == target.labels).mean())
    return accuracy


def left_out_predictions(features: Array, wanted: Array) -> list[Array]:
    """For each of RIDGES the prediction (n, outputs) of each sample by the model of all others.

    features (n, p) are centred with all samples once; an unpenalised constant is part of the model.
    """
    n = len(features)
    z = features - features.mean(axis=0)
    mean = wanted.mean(axis=0)
    left, sizes, _ = np.linalg.svd(z, full_matrices=False)
    scale = max(float((sizes**2).sum()) / features.shape[1], 1e-300)
    coordinates = left.T @ (wanted - mean)
    found = []
    for ridge in RIDGES:
        kept = sizes**2 / (sizes**2 + ridge * scale)
        fitted = mean + left * kept @ coordinates
        leverage = (left**2) @ kept + 1.0 / n
        found.append(wanted - (wanted - fitted) / np.maximum(1.0 - leverage, 1e-12)[:, None])
    return found


def parc(target: Samples) -> float:
    """Pairwise annotation representation comparison (Bolya, Mittapalli, Hoffman, NeurIPS 2021, arXiv:2111.06977).

    Spearman's correlation, times 100, between the samples' pairwise 1 - Pearson correlation of standardised features
    and that of one-hot labels.
    """
    z = target.features - target.features.mean(axis=0)
    spread = z.std(axis=0)
    z = z / np.where(spread > 1e-12, spread, 1.0)
    upper = np.triu_indices(len(z), 1)
    labels = np.eye(target.classes)[target.labels]
    there = rankdata((1.0 - _correlations(labels))[upper].round(9))
    here = rankdata((1.0 - _correlations(z))[upper])
    if there.std() == 0.0 or here.std() == 0.0:
        return 0.0
    return 100.0 * float(np.corrcoef(here, there)[0, 1])


def _correlations(rows: Array) -> Array:
    """(n, n): Pearson's correlation of each two rows; 0 with a constant one."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    unit = centred / np.where(length > 1e-12, length, 1.0)
    return unit @ unit.T
