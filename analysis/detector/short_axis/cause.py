"""Why a double descent along an axis: does the train error cross the interpolation threshold where the peak is?"""

from __future__ import annotations

import numpy as np

from analysis.detector.smoothing import Array
from analysis.detector.verdict import Cause

THRESHOLDS = (0.15, 0.10, 0.05, 0.01)  # train errors; published peaks sit at 6 to 8 %, small networks' at 1 %
CHANCE = 0.5  # share of points beside a crossing, at most, for a peak at one to mean something


def cause_of_peak(
    level: Array, turns: tuple[int, int, int], train: Array, *, frozen: bool
) -> tuple[Cause, float | None]:
    """The cause, and the share of points that lie beside a crossing: how often a peak would have been near by chance.

    level: (points,) test error in reading order; turns: indices of first minimum, peak and second minimum. train:
    (points,) final train error on the labels as given, NaN = unknown. The peak is where the level is above half its
    prominence; it is near where the train error crosses 15, 10, 5 or 1 % between two neighbours of which one belongs
    to it. `interpolation`: near, and at most half of all points lie beside one. `co_adaptation`: not near, along
    frozen units: a dip by layers torn from each other has the same shape and needs no interpolation (Yosinski et al.
    2014). `unknown`: anything else, with None where no train error is known.
    """
    if not np.isfinite(train).all():
        return "unknown", None
    first, peak, second = turns
    height = level[peak] - 0.5 * (level[peak] - max(level[first], level[second]))
    begin = next((j + 1 for j in range(peak, first, -1) if level[j] < height), first + 1)
    end = next((j for j in range(peak, second) if level[j] < height), second)
    crossed = np.zeros(len(train) - 1, dtype=bool)
    for threshold in THRESHOLDS:
        crossed |= (train[:-1] <= threshold) != (train[1:] <= threshold)
    touched = np.convolve(crossed, [1, 1]) > 0  # points with a crossing on either side
    near, chance = bool(touched[begin:end].any()), float(touched.mean())
    if near:
        return ("interpolation" if chance <= CHANCE else "unknown"), chance
    return ("co_adaptation" if frozen else "unknown"), chance
