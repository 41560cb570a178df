"""The test error of kernel regression against the number of samples, from the kernel's spectrum alone.

Bordelon, Canatar & Pehlevan 2020 (arXiv:2002.02561); with noise: Canatar, Bordelon & Pehlevan 2021 (arXiv:2006.13198).
With eigenvalues l_k and the target's power c_k^2 along each, kappa solves P = sum l_k/(l_k + kappa) + ridge/kappa, and

    E(P) = (sum c_k^2 (kappa/(l_k + kappa))^2 + noise^2 g) / (1 - g),   g = sum (l_k/(l_k + kappa))^2 / P

is the expected squared error on clean labels. `noise^2 g/(1 - g)` diverges where P meets the rank: double descent.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]

NULL = 1e-10
"""Eigenvalues below this share of the largest count as 0."""


class Spectrum(NamedTuple):
    """A kernel's eigenvalues (r,), positive, the targets' power (r,) along each, and the power outside their span."""

    eigenvalues: Array
    power: Array
    outside: float


def spectrum(features: Array, targets: Array) -> Spectrum:
    """Of the kernel Z Z'/n on a pool of samples, which stands for the population.

    features (n, p); targets (n, C), whose power is summed over C. A pool much larger than the sizes of interest is
    needed: with n <= p no power is left outside, and the noise of the pool's own labels passes for signal.
    """
    samples = len(features)
    u, s, _ = np.linalg.svd(features, full_matrices=False)
    kept = s > s[0] * math.sqrt(NULL)
    power = ((u[:, kept].T @ targets) ** 2).sum(1) / samples
    whole = float((targets**2).sum() / samples)
    return Spectrum(s[kept] ** 2 / samples, power, max(whole - float(power.sum()), 0.0))


def expected_error(found: Spectrum, samples: int, noise: float = 0.0, ridge: float = 0.0) -> float:
    """E(P): expected squared error of kernel regression on `samples` random samples, in the targets' units squared.

    noise: the standard deviation of label noise, of all C targets together. ridge: added to the diagonal of
    the kernel's matrix. Infinite at samples = rank without a ridge, where there is noise or power outside the span.
    """
    if samples < 1:
        raise ValueError(f"samples = {samples}: allowed: 1 or more")
    values = found.eigenvalues
    kappa = effective_ridge(values, samples, ridge)
    shrunk = values / (values + kappa)
    gain = float((shrunk**2).sum()) / samples
    bias = float((found.power * (1 - shrunk) ** 2).sum()) + found.outside
    if gain >= 1:
        return 0.0 if noise == 0 and bias == 0 else math.inf
    return (bias + noise**2 * gain) / (1 - gain)


def effective_ridge(eigenvalues: Array, samples: int, ridge: float = 0.0) -> float:
    """kappa. It is 0 without a ridge from samples = rank on."""
    if ridge == 0 and samples >= len(eigenvalues):
        return 0.0

    def excess(log_kappa: float) -> float:
        kappa = math.exp(log_kappa)
        return float((eigenvalues / (eigenvalues + kappa)).sum()) + ridge / kappa - samples

    # excess falls in kappa. Above: each term is at most its numerator over kappa.
    high = math.log((float(eigenvalues.sum()) + ridge) / samples) + 1e-9
    low = high
    while excess(low) <= 0:
        low -= 5.0
    return math.exp(float(brentq(excess, low, high + 5.0, xtol=1e-14)))  # pyright: ignore[reportArgumentType]
