"""Where a peak is: from fits to its upper part.

Test error rises fast and recovers slowly, so the argmax of any symmetric smoother sits too late, and on a
flat top it follows the noise. A smooth step on either side, with a common apex and widths of their own,
removes both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.smoothing import Array

BELLS, QUARTIC = 0.85, 0.6  # the part of rise and fall, from the top, that is fitted
WIDTHS = np.geomspace(0.5, 2.0, 7)  # of a side, relative to the distance to its minimum
PLACES = 25


def apex(position: Array, values: Array, error: Array, smooth: Array, triple: tuple[int, int, int]) -> float:
    """Position of the peak. All arrays (bins,); triple: bins of first minimum, peak and second minimum.

    The mean of three estimates whose errors differ: the smooth curve's maximum, the half-bells' apex and
    the maximum of a quartic. Only the first where fewer than six bins belong to the upper part.
    """
    top = triple[1]
    wide, narrow = (_upper(values, smooth, triple, share) for share in (BELLS, QUARTIC))
    if len(wide) < 6 or len(narrow) < 6:
        return float(position[top])
    bells = _half_bells(position, values, error, wide, top)
    quartic = _quartic(position, values, error, narrow, top)
    return (float(position[top]) + bells + quartic) / 3.0


def _upper(values: Array, smooth: Array, triple: tuple[int, int, int], share: float) -> NDArray[np.intp]:
    """Bins of the peak's upper part: `share` of the rise and of the fall, from the top."""
    first, top, second = triple
    left = _walk(smooth, top, first, smooth[top] - share * (smooth[top] - smooth[first]))
    right = _walk(smooth, top, second, smooth[top] - share * (smooth[top] - smooth[second]))
    use = np.arange(left, right + 1)
    return use[np.isfinite(values[use])]


def _weights(error: Array) -> Array:
    weight = 1.0 / (error**2 + np.median(error) ** 2 + 1e-12)
    return weight / weight.mean()


def _quartic(position: Array, values: Array, error: Array, use: NDArray[np.intp], top: int) -> float:
    fit = np.polynomial.Polynomial.fit(position[use], values[use], 4, w=np.sqrt(_weights(error[use])))
    grid = np.linspace(position[use[0]], position[use[-1]], 200)
    height = fit(grid)
    inner = np.flatnonzero((height[1:-1] >= height[:-2]) & (height[1:-1] >= height[2:])) + 1
    return float(grid[inner[height[inner].argmax()]]) if len(inner) else float(position[top])


def _half_bells(position: Array, values: Array, error: Array, use: NDArray[np.intp], top: int) -> float:
    """Weighted least squares of y = p - a S((u0 - u)_+ / l) - b S((u - u0)_+ / r), S(t) = t^2 (3 - 2 t) up
    to 1, over a grid of u0, l and r; p, a and b are solved for, a and b positive."""
    u, y, weight = position[use], values[use], _weights(error[use])
    widths = (WIDTHS * max(position[top] - u[0], 1e-9), WIDTHS * max(u[-1] - position[top], 1e-9))
    axes = np.meshgrid(np.linspace(u[1], u[-2], PLACES), *widths, indexing="ij")
    place, left, right = (a.reshape(-1, 1) for a in axes)
    basis = np.stack(
        [
            np.ones((len(place), len(u))),
            -_step(np.maximum(place - u, 0.0) / left),
            -_step(np.maximum(u - place, 0.0) / right),
        ],
        axis=1,
    )
    moments = basis @ (weight * y)
    gram = (basis * weight) @ basis.transpose(0, 2, 1) + 1e-9 * np.eye(3)
    solution = np.linalg.solve(gram, moments[:, :, None])[:, :, 0]
    cost = weight @ y**2 - np.einsum("gi,gi->g", solution, moments)
    cost[(solution[:, 1:] <= 0.0).any(axis=1)] = np.inf
    return float(place[cost.argmin(), 0]) if np.isfinite(cost).any() else float(position[top])


def _step(t: Array) -> Array:
    t = np.minimum(t, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _walk(smooth: Array, top: int, end: int, level: float) -> int:
    """Last bin from the top towards `end` whose smooth value is still above the level (at least two
    away)."""
    step = 1 if end > top else -1
    at = top
    while at != end and (abs(at - top) < 2 or smooth[at + step] >= level):
        at += step
    return at
