"""The moment equations of an infinitely wide linear network: what the closed form is checked against.

Hidden units w (D,) and readouts z follow w' = gamma z v, z' = gamma w.v with v = X'(y - f)/P, the same for all units.
So the moments M = <ww'>, m = <wz>, q = <z^2> close (Lauditi, Bordelon & Pehlevan 2025, arXiv:2507.04448):

    M' = gamma (m v' + v m')      m' = gamma (q v + M v)      q' = 2 gamma m.v      f = X m / gamma
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Array = NDArray[np.float64]

TOLERANCE = 1e-8
"""Relative and absolute, of the integrator's steps."""


class Moments(NamedTuple):
    """Moments over hidden units: `weights` <ww'> (D, D), `cross` <wz> (D,), `readouts` <z^2>."""

    weights: Array
    cross: Array
    readouts: float

    def predictor(self, gamma: float) -> Array:
        """b (D,), the network's linear function."""
        return self.cross / gamma

    def with_fresh_readouts(self) -> Moments:
        """The start of a second stage: the hidden weights as they are, z ~ N(0, 1) drawn anew."""
        return Moments(self.weights, np.zeros_like(self.cross), 1.0)


def initial_moments(dims: int) -> Moments:
    """Of w ~ N(0, I), z ~ N(0, 1)."""
    return Moments(np.eye(dims), np.zeros(dims), 1.0)


def trained_moments(
    inputs: Array,
    labels: Array,
    gamma: float,
    start: Moments | None = None,
    *,
    residual: float = 1e-4,
    longest: float = 1e4,
) -> Moments:
    """Integrate until the largest component of X'(y - f)/P is `residual` times that at f = 0.

    inputs (P, D); labels (P,). For a whole population of isotropic inputs with the linear teacher u give the identity
    and u. Raises ValueError if that is not reached by the time `longest`.
    """
    samples, dims = inputs.shape
    covariance, correlation = inputs.T @ inputs / samples, inputs.T @ labels / samples
    square = dims * dims

    def unpacked(state: Array) -> Moments:
        return Moments(state[:square].reshape(dims, dims), state[square:-1], float(state[-1]))

    def force(cross: Array) -> Array:
        return correlation - covariance @ cross / gamma

    def velocity(time: float, state: Array) -> Array:
        del time
        moment, cross, readouts = unpacked(state)
        v = force(cross)
        turn = np.outer(cross, v)
        d_cross = gamma * (readouts * v + moment @ v)
        return np.concatenate([gamma * (turn + turn.T).ravel(), d_cross, [2 * gamma * float(cross @ v)]])

    def misfit(time: float, state: Array) -> float:
        del time
        return float(np.abs(force(unpacked(state).cross)).max() - residual * np.abs(correlation).max())

    misfit.terminal = True  # type: ignore[attr-defined] - what SciPy reads
    begin = start or initial_moments(dims)
    packed = np.concatenate([begin.weights.ravel(), begin.cross, [begin.readouts]])
    found = solve_ivp(velocity, (0.0, longest), packed, "RK45", events=misfit, rtol=TOLERANCE, atol=TOLERANCE)
    if found.status != 1:
        raise ValueError(f"moment equations: not at rest by time {longest:g} ({found.message})")
    return unpacked(found.y[:, -1])
