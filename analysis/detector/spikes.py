"""Single-epoch spikes, taken out before the curve is read: they are the optimiser's, not a peak."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analysis.detector.smoothing import Array, row_median

WINDOW = 7  # points: the running median holds against spikes of up to three
LIMIT = 5.0  # robust standard deviations
NOISE_WINDOW = 15


def despike(errors: Array, until: int) -> Array:
    """The curves with spikes among the first `until` points replaced by the running median of seven points.

    A Hampel filter, upwards only, since the sharp first minimum of a short run lies below its own median:
    a point is a spike if it lies LIMIT local standard deviations above the median, the
    deviation being measured by the median absolute deviation from that median over fifteen points. Later
    points lie in well-filled bins, whose trimmed means see to spikes. errors: (runs, points), NaN =
    missing.
    """
    until = min(until, errors.shape[1])
    if until < NOISE_WINDOW:
        return errors
    reach = min(until + NOISE_WINDOW, errors.shape[1])
    head = errors[:, :reach]
    centre = _running_median(head, WINDOW)
    deviation = np.abs(head - centre)
    level = 1.4826 * _running_median(deviation, NOISE_WINDOW)
    with np.errstate(invalid="ignore"):
        spike = (head - centre > LIMIT * np.maximum(level, 1e-4)) & (np.arange(reach) < until)
    spike[:, : WINDOW // 2] = False
    if not spike.any():
        return errors
    cleaned = errors.copy()
    cleaned[:, :reach] = np.where(spike, centre, head)
    return cleaned


def _running_median(a: Array, window: int) -> Array:
    half = window // 2
    padded = np.pad(a, ((0, 0), (half, half)), mode="reflect")
    windows = sliding_window_view(padded, window, axis=1)
    if np.isfinite(padded).all():
        return np.partition(windows, half, axis=2)[:, :, half]
    return row_median(windows)


# comparisons that leave the median in the middle (Devillard 1998, "Fast median search")
_NETWORKS = {
    3: [(0, 1), (1, 2), (0, 1)],
    5: [(0, 1), (3, 4), (0, 3), (1, 4), (1, 2), (2, 3), (1, 2)],
    7: [(0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4)],
}


def median_filter(y: Array, window: int) -> Array:
    """Running median of 3, 5 or 7 points of one curve, the ends repeated. y: (points,), no NaN.

    A few times faster than scipy.ndimage.median_filter for such small windows.
    """
    padded = np.pad(y, window // 2, mode="edge")
    shifted = [padded[i : i + len(y)] for i in range(window)]
    for i, j in _NETWORKS[window]:
        shifted[i], shifted[j] = np.minimum(shifted[i], shifted[j]), np.maximum(shifted[i], shifted[j])
    return shifted[window // 2]
