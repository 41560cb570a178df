"""Scores from means and covariances of the target's features by class: H-score, TransRate, GBC. Larger is better."""

from __future__ import annotations

import numpy as np

from analysis.transferability.pair import Array, Samples
from analysis.transferability.principal_components import leading_components


def h_score(target: Samples, shrinkage: float | None = None) -> float:
    """tr(cov(f)^-1 cov(E[f | y])) with a shrunk covariance (Bao et al., ICIP 2019; Ibrahim, Ponomareva, Mazumder, ECML
    PKDD 2022, arXiv:2110.06893).

    `shrinkage` a: cov becomes (1 - a) cov + a tr(cov)/p I, the covariance between classes (1 - a) times itself; by
    default Ledoit and Wolf's (2004). Without shrinkage it lies between 0 and classes - 1.
    """
    z = target.features - target.features.mean(axis=0)
    covariance = z.T @ z / len(z)
    if shrinkage is None:
        from sklearn.covariance import ledoit_wolf_shrinkage

        shrinkage = float(ledoit_wolf_shrinkage(z, assume_centered=True))
    between = np.zeros_like(covariance)
    for rows in _classes(target):
        mean = z[rows].mean(axis=0)
        between += len(rows) / len(z) * np.outer(mean, mean)
    p = len(covariance)
    shrunk = (1.0 - shrinkage) * covariance + shrinkage * float(np.trace(covariance)) / p * np.eye(p)
    return float((1.0 - shrinkage) * np.trace(np.linalg.pinv(shrunk, hermitian=True) @ between))


def trans_rate(target: Samples, distortion: float = 1e-4) -> float:
    """Coding rate of all features less that of the classes (Huang et al., ICML 2022, arXiv:2106.09207), in nats.

    Of centred features: R(Z) - sum_c n_c / n R(Z_c), with R(Z) = 1/2 log det(I + Z'Z / (n distortion)).
    """
    z = target.features - target.features.mean(axis=0)
    within = sum(len(rows) / len(z) * coding_rate(z[rows], distortion) for rows in _classes(target))
    return coding_rate(z, distortion) - float(within)


def coding_rate(features: Array, distortion: float) -> float:
    """1/2 log det(I + Z'Z / (n distortion)) of Z (n, p), in nats."""
    n, p = features.shape
    return 0.5 * float(np.linalg.slogdet(np.eye(p) + features.T @ features / (n * distortion))[1])


def gbc(target: Samples, dimensions: int = 64) -> float:
    """Gaussian Bhattacharyya coefficient (Pandy et al., CVPR 2022, arXiv:2111.12780): -sum_{c<c'} exp(-D_B(c, c')).

    Each class is a Gaussian of diagonal covariance on at most `dimensions` principal components. At most 0.
    """
    z = leading_components(target.features, dimensions)
    floor = 1e-6 * max(float(z.var(axis=0).mean()), 1e-300)
    groups = [z[rows] for rows in _classes(target)]
    gaussians = [(group.mean(axis=0), group.var(axis=0) + floor) for group in groups]
    total = 0.0
    for place, (mean, variance) in enumerate(gaussians):
        for other_mean, other_variance in gaussians[:place]:
            total += float(np.exp(-bhattacharyya(mean, variance, other_mean, other_variance)))
    return -total


def bhattacharyya(mean: Array, variance: Array, other_mean: Array, other_variance: Array) -> float:
    """Bhattacharyya's distance of two Gaussians with diagonal covariances, all (p,)."""
    middle = (variance + other_variance) / 2.0
    apart = ((mean - other_mean) ** 2 / middle).sum() / 8.0
    return float(apart + 0.5 * (np.log(middle) - 0.5 * (np.log(variance) + np.log(other_variance))).sum())


def _classes(target: Samples) -> list[np.ndarray]:
    """The rows of each class that has samples."""
    found = (np.flatnonzero(target.labels == label) for label in range(target.classes))
    return [rows for rows in found if len(rows)]
