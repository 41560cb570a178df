"""Non-linear least squares for many small problems of one form, in step (Levenberg 1944, Marquardt 1963)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from analysis.detector.smoothing import Array

ITERATIONS = 12
PRIOR = 0.5  # pull of a shape parameter towards its start, in its own scale: what the data do not say stays there
LIMIT = 2.0  # farthest from the start, in the same scale

# u (problems, points), shape (problems, k), linear (problems, m) -> basis (problems, points, m), whose sum weighted by
# `linear` is the model, and the model's derivatives after shape (problems, points, k)
Model = Callable[[Array, Array, Array], tuple[Array, Array]]


class _State(NamedTuple):
    at: Array  # (problems, m + k): linear, shape
    slope: Array  # (problems, points, m + k), weighted
    residual: Array  # (problems, points), weighted
    cost: Array  # (problems,)


def fit(u: Array, y: Array, weight: Array, model: Model, size: int, start: Array, scale: Array) -> tuple[Array, ...]:
    """Linear parameters (problems, size), shape parameters and the weighted sum of squares with the pull's.

    u, y, weight: (problems, points), weight 1 / standard error, 0 for padding. start, scale: (problems, k).
    """
    linear = _linear_start(u, y * weight, weight, model, start, size)
    origin = np.concatenate([linear, start], axis=1)
    pull = np.concatenate([np.zeros_like(linear), PRIOR / scale], axis=1)
    reach = np.concatenate([np.full_like(linear, np.inf), LIMIT * scale], axis=1)

    def state(at: Array) -> _State:
        basis, change = model(u, at[:, size:], at[:, :size])
        residual = weight * (y - np.einsum("cbk,ck->cb", basis, at[:, :size]))
        slope = np.concatenate([basis, change], axis=2) * weight[:, :, None]
        away = (at - origin) * pull
        return _State(at, slope, residual, (residual**2).sum(axis=1) + (away**2).sum(axis=1))

    now, damping = state(origin), np.full(len(u), 1e-2)
    for _ in range(ITERATIONS):
        tried = state(np.clip(now.at + _step(now, origin, pull, damping), origin - reach, origin + reach))
        better = tried.cost < now.cost
        now = _State(
            *(np.where(better.reshape(-1, *[1] * (b.ndim - 1)), a, b) for a, b in zip(tried, now, strict=True))
        )
        damping = np.where(better, 0.2 * damping, 5.0 * damping)
    return now.at[:, :size], now.at[:, size:], now.cost


def _linear_start(u: Array, target: Array, weight: Array, model: Model, start: Array, size: int) -> Array:
    basis = model(u, start, np.zeros((len(u), size)))[0] * weight[:, :, None]
    square = basis.transpose(0, 2, 1) @ basis
    square += 1e-9 * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(size)
    return np.linalg.solve(square, basis.transpose(0, 2, 1) @ target[:, :, None])[:, :, 0]


def _step(now: _State, origin: Array, pull: Array, damping: Array) -> Array:
    normal = now.slope.transpose(0, 2, 1) @ now.slope
    diagonal = np.arange(normal.shape[1])
    size = normal[:, diagonal, diagonal] + pull**2
    normal[:, diagonal, diagonal] = (1.0 + damping[:, None]) * size + 1e-9 * size.max(axis=1, keepdims=True)
    downhill = (now.slope.transpose(0, 2, 1) @ now.residual[:, :, None])[:, :, 0] - (now.at - origin) * pull**2
    return np.linalg.solve(normal, downhill[:, :, None])[:, :, 0].astype(np.float64, copy=False)
