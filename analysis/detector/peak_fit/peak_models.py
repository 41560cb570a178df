"""Where a peak is, from two models of the whole curve around it, for many curves at once.

Steps: an exponential decay, a logistic rise and a logistic fall in u = log10(epoch + 1); double descent as the sum
of processes with times of their own (Heckel and Yilmaz 2020, arXiv:2007.10099). Turns: cubics that are level at first
minimum, peak and second minimum. Either alone is wrong for curves of the other kind; the residuals tell which is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.detector.peak_fit.least_squares import fit
from analysis.detector.smoothing import Array

PLACES = 200
LARGEST_EXPONENT = 40.0


class Part(NamedTuple):
    """The bins that are fitted, padded with weight 0, all (curves, most bins), and the three turning points (curves,
    3) on the same scale u. weight: 1 / standard error."""

    u: Array
    y: Array
    weight: Array
    turns: Array


def model_peak(part: Part) -> Array:
    """Position of the peak, (curves,): the two models' peaks, weighted by their likelihoods."""
    (steps_at, steps_cost), (turns_at, turns_cost) = _steps_peak(part), _turns_peak(part)
    share = 1.0 / (1.0 + np.exp(np.clip(0.5 * (steps_cost - turns_cost), -LARGEST_EXPONENT, LARGEST_EXPONENT)))
    return share * steps_at + (1.0 - share) * turns_at


def _steps_peak(part: Part) -> tuple[Array, Array]:
    u1, u2, u3 = part.turns.T
    start = np.stack(
        [
            np.log(np.maximum(10.0**u1 - 1.0, 1.0)),
            0.5 * (u1 + u2),
            np.log((u2 - u1) / 8.0),
            0.5 * (u2 + u3),
            np.log((u3 - u2) / 8.0),
        ],
        axis=1,
    )
    scale = np.stack(
        [np.full(len(u1), 0.7), 0.25 * (u2 - u1), np.full(len(u1), 0.5), 0.25 * (u3 - u2), np.full(len(u1), 0.5)],
        axis=1,
    )
    linear, shape, cost = fit(part.u, part.y, part.weight, _steps, 4, start, scale)
    grid = u1[:, None] + np.linspace(0.0, 1.0, PLACES) * (u3 - u1)[:, None]
    height = np.einsum("cpk,ck->cp", _steps(grid, shape, linear)[0], linear)
    before = np.minimum.accumulate(height, axis=1)
    after = np.minimum.accumulate(height[:, ::-1], axis=1)[:, ::-1]
    top = (height - np.maximum(before, after)).argmax(axis=1)
    return grid[np.arange(len(grid)), top], cost


def _turns_peak(part: Part) -> tuple[Array, Array]:
    start = part.turns.copy()
    start[:, 0] = np.maximum(start[:, 0], 0.05)
    left, right = start[:, 1] - start[:, 0], start[:, 2] - start[:, 1]
    scale = np.stack([0.25 * left, 0.2 * np.minimum(left, right), 0.25 * right], axis=1)
    _, shape, cost = fit(part.u, part.y, part.weight, _turns, 5, start, scale)
    return shape[:, 1], cost


def _steps(u: Array, shape: Array, linear: Array) -> tuple[Array, Array]:
    f, a, s, b, t = (column[:, None] for column in shape.T)
    late = 3.0 * (10.0**u - 1.0) * np.exp(-f)
    decay = np.exp(-np.minimum(late, LARGEST_EXPONENT))
    z, w = (u - a) * np.exp(-s), (u - b) * np.exp(-t)
    rise = 1.0 / (1.0 + np.exp(-np.clip(z, -LARGEST_EXPONENT, LARGEST_EXPONENT)))
    fall = 1.0 / (1.0 + np.exp(-np.clip(w, -LARGEST_EXPONENT, LARGEST_EXPONENT)))
    up, down = rise * (1.0 - rise), fall * (1.0 - fall)
    _, c1, c2, c3 = (column[:, None] for column in linear.T)
    basis = np.stack([np.ones_like(u), decay, rise, -fall], axis=2)
    change = [c1 * decay * late, -c2 * up * np.exp(-s), -c2 * up * z, c3 * down * np.exp(-t), c3 * down * w]
    return basis, np.stack(change, axis=2)


def _turns(u: Array, shape: Array, linear: Array) -> tuple[Array, Array]:
    u1, u2, u3 = (column[:, None] for column in shape.T)
    q = np.clip((u1 - u) / u1, 0.0, 1.0)
    z, w = np.clip((u - u1) / (u2 - u1), 0.0, 1.0), np.clip((u - u2) / (u3 - u2), 0.0, 1.0)
    _, c1, c2, c3, c4 = (column[:, None] for column in linear.T)
    basis = np.stack([np.ones_like(u), q**2, q**3, z * z * (3.0 - 2.0 * z), -w * w * (3.0 - 2.0 * w)], axis=2)
    early = (c1 * 2.0 * q + c2 * 3.0 * q * q) * np.where(q > 0.0, u / u1**2, 0.0)
    up, down = c3 * 6.0 * z * (1.0 - z), -c4 * 6.0 * w * (1.0 - w)  # 0 outside, as z and w are clipped
    first = early + up * (u - u2) / (u2 - u1) ** 2
    top = -up * (u - u1) / (u2 - u1) ** 2 + down * (u - u3) / (u3 - u2) ** 2
    last = -down * (u - u2) / (u3 - u2) ** 2
    return basis, np.stack([first, top, last], axis=2)
