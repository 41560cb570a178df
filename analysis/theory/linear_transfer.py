"""Transfer in infinitely wide linear networks, in closed form (Lauditi, Bordelon & Pehlevan 2025, arXiv:2507.04448).

A two-layer linear network f(x) = <z w.x> / gamma, averages over hidden units, starts from w ~ N(0, I), z ~ N(0, 1) and
follows the gradient flow of the squared error on P1 source samples of a linear teacher in D dimensions. Its readout is
then trained on P2 target samples. All here is for D -> infinity at nu1 = P1/D and nu2 = P2/D, with inputs of unit
variance.

Why finite source sets have a closed form too (derived for this project): the flow turns (w, z) by a product of boosts
of the Lorentz group SO(D, 1), so that M = <ww'> depends on the path through its end b = <wz>/gamma alone. The flow from
0 ends at the interpolator of least norm.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class SourceSolution(NamedTuple):
    """What a linear network has learnt of its source: the norm of its predictor b, and the cosine of b and the target's
    teacher. The source's teacher has norm 1."""

    norm: float
    alignment: float


def richness_gain(gamma: float, norm: float = 1.0) -> float:
    """chi: how much longer the kernel is along the learnt direction. chi = sqrt(1 + gamma^2 |b|^2) - 1.

    >>> round(richness_gain(3.0), 3)
    2.162
    """
    return math.hypot(1.0, gamma * norm) - 1.0


def adapted_moment(predictor: Array, gamma: float) -> Array:
    """M = <ww'> (D, D) of a network that has learnt the predictor b (D,): I + chi bb'/|b|^2. Its kernel is X M X'."""
    norm = float(np.linalg.norm(predictor))
    moment = np.eye(len(predictor))
    if norm == 0.0:
        return moment
    direction = predictor / norm
    return moment + richness_gain(gamma, norm) * np.outer(direction, direction)


def least_norm_predictor(inputs: Array, labels: Array) -> Array:
    """b (D,), where the gradient flow from 0 on inputs (P, D) and labels (P,) ends: pinv(X) y."""
    return np.asarray(np.linalg.lstsq(inputs, labels, rcond=None)[0], dtype=np.float64)


def source_solution(nu_source: float, alignment: float, noise: float = 0.0) -> SourceSolution:
    """The predictor of a source set of nu_source = P1/D samples, `math.inf` for all of them.

    alignment: the cosine of the two teachers. noise: the standard deviation of the source's label noise.
    nu1 < 1: |b|^2 = nu1 + s^2 nu1/(1 - nu1), w*.b = nu1 alpha. nu1 > 1: |b|^2 = 1 + s^2/(nu1 - 1), w*.b = alpha.
    With noise |b| diverges at nu1 = 1, where the alignment vanishes.
    """
    _check(alignment)
    if nu_source <= 0:
        raise ValueError(f"nu_source = {nu_source}: allowed: above 0")
    learnt = min(nu_source, 1.0)
    if nu_source == 1.0 and noise > 0:
        return SourceSolution(math.inf, 0.0)
    excess = 0.0
    if noise > 0 and math.isfinite(nu_source):
        excess = noise**2 * (nu_source / (1 - nu_source) if nu_source < 1 else 1 / (nu_source - 1))
    norm = math.sqrt(learnt + excess)
    return SourceSolution(norm, learnt * alignment / norm)


def target_loss(nu_target: float, chi: float, alignment: float, noise: float = 0.0) -> float:
    """Test loss of the readout of least norm on the kernel X (I + chi uu') X', as a share of the labels' variance.

    nu_target = P2/D; alignment: the cosine of u and the target's teacher; noise: the standard deviation of the target's
    label noise (test labels are clean).
    nu2 < 1: (1 - nu2) [1 - alpha^2 + alpha^2/(1 + chi nu2)^2] + s^2 nu2/(1 - nu2). nu2 > 1: s^2/(nu2 - 1).
    The noise terms are of kernel regression (Canatar, Bordelon & Pehlevan 2021, arXiv:2006.13198).

    >>> round(target_loss(0.25, richness_gain(3.0), 1.0), 3)
    0.316
    """
    _check(alignment)
    if nu_target <= 0:
        raise ValueError(f"nu_target = {nu_target}: allowed: above 0")
    variance = noise**2
    if nu_target >= 1:
        return 0.0 if variance == 0 else math.inf if nu_target == 1 else variance / (nu_target - 1)
    along = alignment**2 and alignment**2 / (1 + chi * nu_target) ** 2
    return (1 - nu_target) * (1 - alignment**2 + along) + variance * nu_target / (1 - nu_target)


def transfer_loss(
    gamma: float,
    nu_target: float,
    alignment: float,
    nu_source: float = math.inf,
    source_noise: float = 0.0,
    target_noise: float = 0.0,
) -> float:
    """`target_loss` after a source set of nu_source = P1/D samples at the richness gamma.

    Without target noise it is never above 1 - nu_target, the loss without a source: in this limit (readout trained to
    its end, no ridge) there is no negative transfer. With source noise it peaks at nu_source = 1.
    """
    learnt = source_solution(nu_source, alignment, source_noise)
    return target_loss(nu_target, richness_gain(gamma, learnt.norm), learnt.alignment, target_noise)


def _check(alignment: float) -> None:
    if not -1 <= alignment <= 1:
        raise ValueError(f"alignment = {alignment}: allowed: -1 to 1")
