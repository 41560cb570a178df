"""Rules that others use to call double descent, on the same curves as ours.

Every rival takes x (points,) and errors (seeds, points), and answers whether there is a double descent and
where its peak is. They read the mean over seeds unless they need the seeds. Two have a threshold; TUNED
holds the values that maximise their F1 on tuning curves (`tune`), which are drawn from another seed than
the scored ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from scipy.ndimage import uniform_filter1d
from scipy.signal import argrelextrema, find_peaks

from analysis.detector.significance import antitonic, valley
from analysis.detector.smoothing import Array


@dataclass(frozen=True)
class Call:
    double_descent: bool
    peak: float | None = None


@dataclass(frozen=True)
class Thresholds:
    """prominence of find_peaks (error fraction) after a moving average; gain of the isotonic test
    (ratio)."""

    prominence: float
    gain: float


TUNED = Thresholds(prominence=0.013, gain=7.6)  # several seeds
TUNED_ONE_SEED = Thresholds(prominence=0.021, gain=7.6)
NONE = Call(False)


def mean_curve(x: Array, errors: Array) -> tuple[Array, Array]:
    """x and the mean over seeds where there is one."""
    known = np.isfinite(errors).any(axis=0)
    return x[known], np.nanmean(errors[:, known], axis=0)


def moving_average(y: Array, window: int = 15) -> Array:
    return uniform_filter1d(y, min(window, max(1, len(y) // 4)), mode="nearest")


def first_uptick(x: Array, errors: Array, thresholds: Thresholds = TUNED) -> Call:
    """The first rise of the curve starts the peak; a later fall of ten per cent from the running maximum
    ends it."""
    x, y = mean_curve(x, errors)
    rises = np.flatnonzero(np.diff(y) > 0)
    if not len(rises):
        return NONE
    rest = y[rises[0] :]
    top = np.maximum.accumulate(rest)
    dropped = np.flatnonzero((rest <= 0.9 * top) & (rest < top))
    if not len(dropped):
        return NONE
    return Call(True, float(x[rises[0] + int(rest[: dropped[0]].argmax())]))


def local_extrema(x: Array, errors: Array, thresholds: Thresholds = TUNED) -> Call:
    """A 15-epoch moving average with a local minimum, then a local maximum, then anything lower than
    that."""
    x, y = mean_curve(x, errors)
    smooth = moving_average(y)
    order = max(1, len(y) // 20)
    lows, highs = (
        argrelextrema(smooth, np.less, order=order)[0],
        argrelextrema(smooth, np.greater, order=order)[0],
    )
    highs = highs[highs > lows[0]] if len(lows) else highs[:0]
    if not len(highs) or highs[0] + 1 >= len(y):
        return NONE
    top = int(highs[smooth[highs].argmax()])
    return Call(bool(smooth[top:].min() < smooth[top]), float(x[top]))


def peaks_by_prominence(x: Array, errors: Array, thresholds: Thresholds = TUNED) -> Call:
    """scipy.signal.find_peaks on the 15-epoch moving average, with the tuned prominence."""
    x, y = mean_curve(x, errors)
    smooth = moving_average(y)
    places, found = find_peaks(smooth, prominence=thresholds.prominence)
    return Call(True, float(x[places[found["prominences"].argmax()]])) if len(places) else NONE


def lcdb_peaking(x: Array, errors: Array, thresholds: Thresholds = TUNED, bins: int = 20) -> Call:
    """Peaking test of LCDB 1.1 (Yan, Mohr, Viering, arXiv:2505.15657), ported to 20 log-spaced bins of
    epochs.

    The triple i < j < k that violates convexity most on the mean curve; then over repetitions one-sided
    paired t-tests of violation > 0, peak above left, peak above right, each at 0.05 / (number of triples).
    Needs two seeds.
    """
    if len(errors) < 2:
        return NONE
    centre, values = _binned(x, errors, bins)
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 2:
        return NONE
    p, best = _lcdb(centre, values)
    return Call(p <= 0.05, float(10.0 ** centre[best] - 1.0))


def lcdb_score(position: Array, errors: Array) -> float:
    """Minus the corrected p-value of LCDB 1.1's test with every point a bin. errors: (seeds, points), two or more."""
    return -_lcdb(position, errors)[0]


def _lcdb(centre: Array, values: Array) -> tuple[float, int]:
    """p-value times the number of triples, and the bin of the peak."""
    i, j, k = _triples(len(centre))
    share = (centre[j] - centre[i]) / (centre[k] - centre[i])
    mean = values.mean(axis=0)
    best = int((mean[j] - (1 - share) * mean[i] - share * mean[k]).argmax())
    left, top, right = values[:, i[best]], values[:, j[best]], values[:, k[best]]
    gaps = (top - (1 - share[best]) * left - share[best] * right, top - left, top - right)
    return max(_one_sided_p(gap) for gap in gaps) * len(i), int(j[best])


def isotonic_pieces(x: Array, errors: Array, thresholds: Thresholds = TUNED, bins: int = 30) -> Call:
    """Unimodality by isotonic fits: is a valley (falls, rises) much worse than falls, rises, falls?

    The gain is the drop in residual sum of squares per residual sum of squares of the larger model, on
    `bins` bins.
    """
    centre, values = _binned(x, errors, bins)
    known = np.isfinite(values).any(axis=0)
    centre, y = centre[known], np.nanmean(values[:, known], axis=0)
    ones = np.ones(len(y))
    simple = float(((y - valley(y, ones)) ** 2).sum())
    costs = [
        float(((y[:t] - valley(y[:t], ones[:t])) ** 2).sum() + ((y[t:] - antitonic(y[t:], ones[t:])) ** 2).sum())
        for t in range(3, len(y) - 1, 2)
    ]
    best = int(np.argmin(costs))
    top = 3 + 2 * best
    gain = (simple - costs[best]) / (costs[best] + 1e-7)
    return Call(gain >= thresholds.gain, float(10.0 ** centre[max(0, top - 1)] - 1.0))


def _one_sided_p(gap: Array) -> float:
    """p-value of mean > 0, Student's t over repetitions."""
    spread = float(gap.std(ddof=1))
    statistic = float(gap.mean()) * len(gap) ** 0.5 / spread if spread > 0.0 else np.inf * np.sign(gap.mean())
    return float(stats.t.sf(statistic, len(gap) - 1))


def _binned(x: Array, errors: Array, bins: int) -> tuple[Array, Array]:
    """Means over log-spaced bins: centres in log10(x + 1), values (seeds, bins)."""
    position = np.log10(x + 1.0)
    label = np.floor((position - position[0]) / (position[-1] - position[0]) * bins * (1 - 1e-9)).astype(np.intp)
    starts = np.flatnonzero(np.r_[True, np.diff(label) > 0])
    known = np.isfinite(errors)
    total = np.add.reduceat(np.where(known, errors, 0.0), starts, axis=1)
    with np.errstate(invalid="ignore"):
        values = total / np.add.reduceat(known, starts, axis=1)
    return np.add.reduceat(position, starts) / np.diff(np.r_[starts, len(x)]), values


def _triples(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j, k = np.meshgrid(*[np.arange(n)] * 3, indexing="ij")
    use = (i < j) & (j < k)
    return i[use], j[use], k[use]


Rival = Callable[[Array, Array, Thresholds], Call]
RIVALS: dict[str, Rival] = {
    "first uptick, 10 % drop": first_uptick,
    "local extrema": local_extrema,
    "find_peaks, tuned": peaks_by_prominence,
    "LCDB 1.1 peaking": lcdb_peaking,
    "isotonic pieces, tuned": isotonic_pieces,
}


def tune(cells: Sequence[tuple[Array, Array, bool]]) -> Thresholds:
    """Thresholds with the best F1 on (x, errors, is double descent); a grid of each, one after the
    other."""

    def best(rival: Rival, options: list[Thresholds]) -> Thresholds:
        def f1(thresholds: Thresholds) -> float:
            called = np.array([rival(x, errors, thresholds).double_descent for x, errors, _ in cells])
            true = np.array([truth for *_, truth in cells])
            return 2.0 * float((called & true).sum()) / max(1, int(called.sum() + true.sum()))

        return max(options, key=f1)

    prominences = [replace(TUNED, prominence=p) for p in np.geomspace(0.002, 0.08, 15).tolist()]
    gains = [replace(TUNED, gain=g) for g in np.geomspace(0.05, 30.0, 15).tolist()]
    return replace(best(peaks_by_prominence, prominences), gain=best(isotonic_pieces, gains).gain)
