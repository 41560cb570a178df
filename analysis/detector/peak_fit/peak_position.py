"""Where a peak is: the median of four estimates whose errors differ, for many curves at once.

Test error rises fast and recovers slowly, so the argmax of any symmetric smoother sits too late, and on a
flat top it follows the noise; so does, less, a quartic's maximum. A smooth step on either side of a common
apex, with widths of their own, is a little early. Models of the whole curve use all of it, and are far off
where they are wrong: a median is not moved by that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.detector.peak_fit.peak_models import Part, model_peak
from analysis.detector.smoothing import Array, row_median

BELLS, QUARTIC = 0.85, 0.6  # the part of rise and fall, from the top, that is fitted
WIDTHS = np.geomspace(0.5, 2.0, 7)  # of a side, relative to the distance to its minimum
PLACES = 25
ENOUGH = 6  # bins of the upper part
BEYOND = 0.1  # decades after the second minimum that the models of the whole curve see
WANDER = 0.1  # slow wander of a run and misfit of any model, as shares of the noise and of the prominence
MISFIT = 0.03
CHUNK = 64  # curves in memory

Index = NDArray[np.intp]


class Upper(NamedTuple):
    """Upper parts, one row per curve, padded on the right with weight 0. All (curves, most bins)."""

    u: Array
    y: Array
    weight: Array
    last: Index  # (curves,) the last column that is not padding


def apex(position: Array, values: Array, error: Array, noise: Array, smooth: Array, triples: Index) -> Array:
    """Position of each peak: (curves,). position: (bins,); the other arrays: (curves, bins): values with their
    standard errors, the standard deviation of a single point, the smooth curve; triples: (curves, 3), the bins
    of first minimum, peak and second minimum.

    Only the smooth maximum where fewer than six bins belong to the upper part.
    """
    top = position[triples[:, 1]]
    found = top.copy()
    wide, narrow = (_mask(values, smooth, triples, share) for share in (BELLS, QUARTIC))
    fit = np.flatnonzero((wide.sum(axis=1) >= ENOUGH) & (narrow.sum(axis=1) >= ENOUGH))
    for begin in range(0, len(fit), CHUNK):
        rows = fit[begin : begin + CHUNK]
        bells = _half_bells(_upper(position, values[rows], error[rows], wide[rows]), top[rows])
        quartic = _quartic(_upper(position, values[rows], error[rows], narrow[rows]), top[rows])
        part = around(position, values[rows], error[rows], noise[rows], smooth[rows], triples[rows])
        found[rows] = np.median([bells, top[rows], quartic, model_peak(part)], axis=0)
    return found


def around(position: Array, values: Array, error: Array, noise: Array, smooth: Array, triples: Index) -> Part:
    """All bins up to a little after the second minimum, with weights."""
    turns = position[triples]
    heights = np.take_along_axis(smooth, triples, axis=1)
    prominence = heights[:, 1] - np.maximum(heights[:, 0], heights[:, 2])
    doubt = np.sqrt(error**2 + (WANDER * noise) ** 2 + ((MISFIT * prominence) ** 2)[:, None] + 1e-12)
    mask = np.isfinite(values) & np.isfinite(doubt) & (position <= turns[:, 2:] + BEYOND)
    order, inside = _packed(mask)
    y, weight = (np.where(inside, np.take_along_axis(a, order, axis=1), 0.0) for a in (values, 1.0 / doubt))
    return Part(position[order], y, weight, turns)


def _mask(values: Array, smooth: Array, triples: Index, share: float) -> NDArray[np.bool_]:
    """Bins of the upper part: `share` of the rise and of the fall, from the top, and never fewer than two
    bins on a side that has them."""
    first, top, second = triples.T[:, :, None]
    bins, rows = np.arange(values.shape[1]), np.arange(len(values))[:, None]
    height, low, high = smooth[rows, top], smooth[rows, first], smooth[rows, second]
    with np.errstate(invalid="ignore"):
        below_left = smooth < height - share * (height - low)
        below_right = smooth < height - share * (height - high)
    # the last bin from the top whose outer neighbour is below the level
    ends_left = (bins == first) | ((bins <= top - 2) & np.roll(below_left, 1, axis=1))
    ends_right = (bins == second) | ((bins >= top + 2) & np.roll(below_right, -1, axis=1))
    left = np.where(ends_left & (bins <= top), bins, -1).max(axis=1, keepdims=True)
    right = np.where(ends_right & (bins >= top), bins, len(bins)).min(axis=1, keepdims=True)
    return (bins >= left) & (bins <= right) & np.isfinite(values)


def _upper(position: Array, values: Array, error: Array, mask: NDArray[np.bool_]) -> Upper:
    number = mask.sum(axis=1)
    order, inside = _packed(mask)
    noise = np.take_along_axis(error, order, axis=1)
    level = row_median(np.where(inside, noise, np.nan))[:, None]
    weight = np.where(inside, 1.0 / (noise**2 + level**2 + 1e-12), 0.0)
    weight *= number[:, None] / weight.sum(axis=1, keepdims=True)
    y = np.where(inside, np.take_along_axis(values, order, axis=1), 0.0)
    return Upper(position[order], y, weight, number - 1)


def _packed(mask: NDArray[np.bool_]) -> tuple[Index, NDArray[np.bool_]]:
    """(curves, most bins): the bins of a mask from the left, and which of them are no padding."""
    number = mask.sum(axis=1)
    order = np.argsort(~mask, axis=1, kind="stable")[:, : number.max()]
    return order, np.arange(order.shape[1]) < number[:, None]


def _quartic(part: Upper, top: Array) -> Array:
    """The highest inner maximum of a weighted least-squares quartic; `top` where it has none."""
    begin, end = part.u[:, :1], np.take_along_axis(part.u, part.last[:, None], axis=1)
    scaled = np.where(part.weight > 0.0, 2.0 * (part.u - begin) / (end - begin) - 1.0, 0.0)
    basis = np.polynomial.legendre.legvander(scaled, 4)
    weighted = basis.transpose(0, 2, 1) * part.weight[:, None, :]
    solution = np.linalg.solve(weighted @ basis, weighted @ part.y[:, :, None])[:, :, 0]
    grid = np.linspace(-1.0, 1.0, 200)
    height = solution @ np.polynomial.legendre.legvander(grid, 4).T
    peaks = (height[:, 1:-1] >= height[:, :-2]) & (height[:, 1:-1] >= height[:, 2:])
    best = np.where(peaks, height[:, 1:-1], -np.inf).argmax(axis=1) + 1
    place = begin[:, 0] + 0.5 * (grid[best] + 1.0) * (end - begin)[:, 0]
    return np.where(peaks.any(axis=1), place, top)


def _half_bells(part: Upper, top: Array) -> Array:
    """Weighted least squares of y = p - a S((u0 - u)_+ / l) - b S((u - u0)_+ / r), S(t) = t^2 (3 - 2 t) up
    to 1, over a grid of u0, l and r; p, a and b are solved for, a and b positive.

    The two sides do not overlap, so the normal equations need the sums of each side alone.
    """
    u, y, weight, last = part
    rows = np.arange(len(u))
    begin, end = u[:, 1], u[rows, last - 1]
    place = begin[:, None] + np.linspace(0.0, 1.0, PLACES) * (end - begin)[:, None]
    offset = place[:, :, None] - u[:, None, :]  # (curves, places, bins)
    lefts = WIDTHS * np.maximum(top - u[:, 0], 1e-9)[:, None]
    rights = WIDTHS * np.maximum(u[rows, last] - top, 1e-9)[:, None]
    one_l, y_l, square_l = (a[:, :, :, None] for a in _side(np.maximum(offset, 0.0), lefts, y, weight))
    one_r, y_r, square_r = (a[:, :, None, :] for a in _side(np.maximum(-offset, 0.0), rights, y, weight))
    total, total_y = (a.sum(axis=1)[:, None, None, None] for a in (weight, weight * y))
    p = (total_y - one_l * y_l / square_l - one_r * y_r / square_r) / (
        total + 1e-9 - one_l**2 / square_l - one_r**2 / square_r
    )
    a, b = (one_l * p - y_l) / square_l, (one_r * p - y_r) / square_r
    gain = np.where((a > 0.0) & (b > 0.0), p * total_y - a * y_l - b * y_r, -np.inf)
    best = gain.max(axis=(2, 3))
    return np.where(np.isfinite(best).any(axis=1), place[rows, best.argmax(axis=1)], top)


def _side(distance: Array, widths: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Weighted sums of S, S y and S^2 over the bins: three arrays (curves, places, widths)."""
    t = np.minimum(distance[:, :, None, :] / widths[:, None, :, None], 1.0)
    step = t * t * (3.0 - 2.0 * t)
    sums = step @ np.stack([weight, weight * y], axis=2)[:, None]
    return sums[..., 0], sums[..., 1], np.einsum("cpwb,cb->cpw", step * step, weight) + 1e-9
