"""Detectors for one run in a groupby-apply, as one writes them with scipy: what ours is timed and scored against."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.interpolate import make_smoothing_spline
from scipy.optimize import isotonic_regression
from scipy.signal import find_peaks, savgol_filter


def log_bins(run: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Means over bins of log-epochs, 20 a decade, and how many points each has."""
    y = run["test_error"].to_numpy()
    label = np.floor(20.0 * np.log10(run["epoch"].to_numpy() + 1.0)).astype(np.intp)
    starts = np.flatnonzero(np.r_[True, label[1:] != label[:-1]])
    counts = np.diff(np.r_[starts, len(y)])
    return np.add.reduceat(y, starts, dtype=np.float64) / counts, counts


def by_peaks(run: pd.DataFrame) -> bool:
    smooth = savgol_filter(run["test_error"].to_numpy(), 51, 2)
    return len(find_peaks(smooth, prominence=0.02)[0]) > 0


def by_turning_points(run: pd.DataFrame, draws: int = 0) -> tuple[float, float, float, float, float] | None:
    """First minimum, peak and second minimum (bins), roughness, and p by resampling; None without a peak."""
    y = run["test_error"].to_numpy()
    values, _ = log_bins(run)
    smooth = np.asarray(savgol_filter(values, 7, 2))
    places, found = find_peaks(smooth, prominence=0.02)
    if not len(places):
        return None
    best = int(found["prominences"].argmax())
    peak = int(places[best])
    residual = values - smooth
    roughness = 1.4826 * float(np.median(np.abs(np.diff(y, 2)))) / 6**0.5
    first, second = int(smooth[:peak].argmin()), peak + int(smooth[peak:].argmin())
    if not draws:
        return first, peak, second, roughness, np.nan
    turn = int(values.argmin())
    left = isotonic_regression(values[: turn + 1], increasing=False).x
    right = isotonic_regression(values[turn:], increasing=True).x
    rng = np.random.default_rng(0)
    drawn = np.concatenate([left, right[1:]]) + rng.choice(residual, (draws, len(values)))
    m = np.asarray(savgol_filter(drawn, 7, 2, axis=1))
    before = np.minimum.accumulate(m, axis=1)
    after = np.minimum.accumulate(m[:, ::-1], axis=1)[:, ::-1]
    largest = (m - np.maximum(before, after)).max(axis=1)
    return first, peak, second, roughness, float(np.mean(largest >= found["prominences"][best]))


def by_resampling(run: pd.DataFrame) -> tuple[float, float, float, float, float] | None:
    return by_turning_points(run, draws=499)


def by_isotonic_fits(run: pd.DataFrame) -> bool:
    """Whether falls-rises-falls fits better than falls-rises, on every 40th point of a moving average."""
    y = np.asarray(savgol_filter(run["test_error"].to_numpy().astype(np.float64), 51, 2))[::40]
    n = len(y)

    def cost(part: np.ndarray, falling: bool) -> float:
        return float(((part - isotonic_regression(part, increasing=not falling).x) ** 2).sum()) if len(part) else 0.0

    falls = np.array([cost(y[:t], True) for t in range(n + 1)])
    two = min(falls[t] + cost(y[t:], False) for t in range(n + 1))
    three = min(
        falls[i] + cost(y[i:k], False) + cost(y[k:], True) for i in range(0, n, 10) for k in range(i + 10, n, 10)
    )
    return two > 1.2 * three


def by_smoothing_spline(run: pd.DataFrame) -> bool:
    values, counts = log_bins(run)
    position = np.arange(len(values), dtype=np.float64)
    spline = make_smoothing_spline(position, values, w=np.sqrt(counts))
    return len(find_peaks(spline(np.linspace(0.0, position[-1], 400)), prominence=0.02)[0]) > 0


RIVALS: dict[str, Callable[[pd.DataFrame], object]] = {
    "savgol + find_peaks": by_peaks,
    "turning points": by_turning_points,
    "turning points + resampling": by_resampling,
    "isotonic fits": by_isotonic_fits,
    "smoothing spline": by_smoothing_spline,
}


def rate(judge: Callable[[pd.DataFrame], object], table: pd.DataFrame) -> float:
    """Rows per second of a groupby-apply."""
    begin = time.perf_counter()
    table.groupby("run_id", sort=False)[["epoch", "test_error"]].apply(judge)
    return len(table) / (time.perf_counter() - begin)


def called(answer: object) -> bool:
    """Whether a rival's answer is double descent: yes, or points whose p, if it has one, is at most 0.05."""
    return not answer[-1] > 0.05 if isinstance(answer, tuple) else bool(answer)
