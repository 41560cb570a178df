"""The scale on which an axis is read, its reading direction, and smoothers on it.

Width and set size act in ratios, so they are read on a log scale; frozen units and depth are counts and are read as
they are. Frozen units are read from head only down to none frozen: the direction in which the trained part of the
network grows, as it does along width.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from analysis.detector.smoothing import Array

ShortAxis = Literal["frozen", "width", "size", "depth"]
FEW = 12  # points; fewer are read point by point
SHARES = (0.02, 0.04, 0.08)  # bandwidths, as shares of the axis' range on its scale
NEIGHBOURLY = 0.1  # least weight of the nearest neighbour, relative to a point's own, for a mean to be one


def reading_order(x: Array, axis: ShortAxis) -> np.ndarray:
    """Indices of the increasing x in reading order: backwards for frozen units."""
    order = np.arange(len(x))
    return order[::-1] if axis == "frozen" else order


def natural_scale(x: Array, axis: ShortAxis) -> Array:
    """Positions of x in reading order, increasing, from 0 to 1. x: (points,) in reading order, >= 0."""
    scales = {"width": _log, "size": _log, "frozen": np.negative, "depth": np.positive}
    u = scales[axis](x)
    return (u - u[0]) / (u[-1] - u[0])


def _log(x: Array) -> Array:
    return np.log(x if x.min() > 0.0 else x + 1.0)


def kernel_means(u: Array, bandwidth: float) -> Array:
    """Weighted means with a Gaussian kernel, each point counting for the stretch of the axis it stands for: a matrix
    (points, points) (Gasser and Mueller 1979). Without that, a mean follows the side on which the points are dense.

    The kernel is totally positive, so a weighted mean has no more changes of direction than the points have: smoothing
    a valley gives a valley on any grid (Karlin 1968, "Total Positivity"). A peak of the result is a peak of the points.
    """
    stretch = np.gradient(u)
    weight = np.exp(-0.5 * ((u[:, None] - u) / bandwidth) ** 2) * stretch
    return weight / weight.sum(axis=1, keepdims=True)


def bandwidths(u: Array, factor: float = 1.0) -> list[float]:
    """The bandwidths at which a mean takes in neighbours, narrowest first: none where the points lie too far apart."""
    if len(u) < FEW:
        return []
    found = []
    for share in SHARES:
        gap = np.minimum(np.diff(u, prepend=-np.inf), np.diff(u, append=np.inf))
        if np.exp(-0.5 * (np.median(gap) / (share * factor)) ** 2) >= NEIGHBOURLY:
            found.append(share * factor)
    return found


def local_quadratic(u: Array, bandwidth: float) -> Array:
    """Local quadratic regression as a matrix (points, points); it keeps the height of a peak that a mean flattens.

    A row is the point itself where fewer than five points carry weight.
    """
    offset = (u[None, :] - u[:, None]) / bandwidth
    weight = np.exp(-0.5 * offset**2)
    rows = np.eye(len(u))
    effective = weight.sum(axis=1) ** 2 / (weight**2).sum(axis=1)
    for j in np.flatnonzero((effective >= 3.0) & ((weight > 0.01).sum(axis=1) >= 5)):
        basis = np.stack([np.ones(len(u)), offset[j], offset[j] ** 2])
        weighted = basis * weight[j]
        rows[j] = np.linalg.lstsq(weighted @ basis.T, weighted, rcond=None)[0][0]
    return rows
