"""Noise-free curves of known shape: the truth against which detectors are scored.

Every family is a function (generator, epochs) -> Curve. Levels are error fractions. Turning points are the
knots of a monotone cubic in log10(epoch + 1), so the extremes lie exactly where the truth says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from analysis.detector.smoothing import Array
from analysis.detector.verdict import Shape, Strength
from analysis.scoring.known_curve import POINT, Curve, loguniform, through


def _turns(rng: Generator, epochs: int, room: float) -> tuple[float, float]:
    """First minimum and peak, with at least a factor `room` of epochs after the peak."""
    latest = epochs / room
    peak = loguniform(rng, min(8.0, 0.5 * latest), latest)
    return max(peak / loguniform(rng, 2.2, 8.0), 3.0), peak


def double_descent(rng: Generator, epochs: int, strength: Strength, long_plateau: bool = False) -> Curve:
    """Prominence 2 to 15 points; the second minimum is at least one point above or below the first.

    Half of them are cubics through the turning points, half are sums of logistic steps, whose extremes are
    found.
    """
    first, peak = _turns(rng, epochs, 6.0 if long_plateau else 3.0)
    second = peak * (loguniform(rng, 2.2, 4.0) if long_plateau else loguniform(rng, 2.5, epochs / peak))
    prominence = loguniform(rng, 2.0, 15.0) * POINT
    other = prominence + rng.uniform(1.0, 1.0 + 300.0 * prominence) * POINT
    rise, fall = (prominence, other) if strength == "strong" else (other, prominence)
    level = max(rng.uniform(3.0, 25.0) * POINT, fall - rise + POINT)
    start = rng.uniform(0.2, 0.6)
    if rng.random() < 0.5:
        found = _logistic(rng, epochs, (first, peak, second), (start, level, rise, fall))
        if found is not None and found.strength == strength:
            return found
    knots = [0.0, first, peak, second, float(epochs)]
    heights = [level + start, level, level + rise, level + rise - fall]
    mean = through(knots, [*heights, heights[-1]])
    return Curve(mean, "double_descent", (), strength, first, peak, second, prominence)


def _logistic(
    rng: Generator, epochs: int, turns: tuple[float, float, float], sizes: tuple[float, float, float, float]
) -> Curve | None:
    """A decay plus a logistic rise minus a logistic fall in log-epochs; None where that is no clear
    peak."""
    (first, peak, second), (start, level, rise, fall) = turns, sizes
    u1, u2, u3 = np.log10(np.array([first, peak, second]) + 1.0)
    up, down = 0.5 * (u1 + u2), 0.5 * (u2 + u3)
    steep_up, steep_down = (u2 - u1) / rng.uniform(6.0, 10.0), (u3 - u2) / rng.uniform(6.0, 10.0)

    def mean(x: Array) -> Array:
        u = np.log10(x + 1.0)
        rising = rise / (1.0 + np.exp(-(u - up) / steep_up))
        return level + start * np.exp(-3.0 * x / first) + rising - fall / (1.0 + np.exp(-(u - down) / steep_down))

    grid = np.expm1(np.linspace(0.0, np.log(epochs), 3000))
    y = mean(grid)
    height = np.minimum(y - np.minimum.accumulate(y), y - np.minimum.accumulate(y[::-1])[::-1])
    top = int(height.argmax())
    if height[top] < 2.0 * POINT or y.min() < 0.0:
        return None
    i, k = int(y[:top].argmin()), top + int(y[top:].argmin())
    gap = y[k] - y[i]
    if abs(gap) < POINT or min(y[top] - y[i], y[top] - y[k]) < 0.2 * max(y[top] - y[i], y[top] - y[k]):
        return None
    strength: Strength = "strong" if gap < 0.0 else "weak"
    turning = (float(grid[i]), float(grid[top]), float(grid[k]))
    return Curve(mean, "double_descent", (), strength, *turning, float(height[top]))


def two_bumps(rng: Generator, epochs: int) -> Curve:
    """Two peaks; the prominence of the smaller is 0.3 to 0.6 of the larger's, in either order."""
    start = loguniform(rng, 2.0, max(epochs / 40.0, 2.5))
    knots = [0.0, start]
    for _ in range(4):
        knots.append(knots[-1] * (epochs / start) ** 0.22)
    prominence = loguniform(rng, 2.0, 12.0) * POINT
    small = prominence * rng.uniform(0.3, 0.6)
    level = rng.uniform(3.0, 25.0) * POINT
    bumps = (prominence, small) if rng.random() < 0.5 else (small, prominence)
    heights = [level + 0.4, level, level + bumps[0], level, level + bumps[1], level]
    place = 2 if bumps[0] == prominence else 4
    mean = through([*knots, float(epochs)], [*heights, level])
    return Curve(mean, "double_descent", (), None, None, knots[place], None, prominence)


def monotone(rng: Generator, epochs: int) -> Curve:
    """A power law, an exponential to a flat tail, or a descent in two stages with a level stretch
    between."""
    floor, height = rng.uniform(2.0, 30.0) * POINT, rng.uniform(0.2, 0.6)
    kind = rng.integers(3)
    if kind == 0:
        rate, scale = rng.uniform(0.3, 1.5), loguniform(rng, 0.5, 10.0)
        return Curve(lambda x: floor + height * (1.0 + x / scale) ** -rate, "monotone")
    if kind == 1:
        scale = loguniform(rng, 2.0, epochs / 8.0)
        return Curve(lambda x: floor + height * np.exp(-x / scale), "monotone")
    stage, on = loguniform(rng, 4.0, epochs / 10.0), loguniform(rng, 2.0, 4.0)
    middle = floor + height * rng.uniform(0.1, 0.5)
    knots = [0.0, stage, stage * on, min(stage * on * 2.0, 0.9 * epochs), float(epochs)]
    return Curve(through(knots, [floor + height, middle, middle, floor, floor]), "monotone")


def flat_tail(rng: Generator, epochs: int) -> Curve:
    """A quick descent, then level for at least a decade: every wiggle of the tail is noise."""
    floor, bottom = rng.uniform(2.0, 30.0) * POINT, epochs / loguniform(rng, 10.0, 40.0)
    return Curve(through([0.0, bottom, float(epochs)], [floor + 0.4, floor, floor]), "monotone")


def u_shaped(rng: Generator, epochs: int) -> Curve:
    """Falls, then rises until the end, by 2 to 15 points."""
    first = loguniform(rng, 3.0, epochs / 6.0)
    level, rise = rng.uniform(3.0, 25.0) * POINT, loguniform(rng, 2.0, 15.0) * POINT
    power, span = rng.uniform(1.0, 2.0), np.log((epochs + 1.0) / (first + 1.0))
    down = through([0.0, first], [level + rng.uniform(0.2, 0.6), level])

    def mean(x: Array) -> Array:
        grown = np.clip(np.log((x + 1.0) / (first + 1.0)) / span, 0.0, None)
        return down(x) + rise * grown**power

    return Curve(mean, "u_shaped", (), None, first)


def plateau(rng: Generator, epochs: int, level_end: bool = False) -> Curve:
    """Rises by 2 to 15 points, then stays within five per cent of the rise, or exactly level."""
    first, top = _turns(rng, epochs, 4.0)
    level, rise = rng.uniform(3.0, 25.0) * POINT, loguniform(rng, 2.0, 15.0) * POINT
    end = level + rise * (1.0 if level_end else rng.uniform(0.95, 1.03))
    mean = through([0.0, first, top, float(epochs)], [level + 0.4, level, level + rise, end])
    return Curve(mean, "plateau", (), None, first)


def step_drops(rng: Generator, epochs: int, rising: bool) -> Curve:
    """A learning-rate schedule: sudden drops at one third and two thirds, level or rising between them."""
    floor, height, scale = rng.uniform(5.0, 20.0) * POINT, 0.5, loguniform(rng, 2.0, epochs / 20.0)
    places = np.array([rng.uniform(0.25, 0.4), rng.uniform(0.6, 0.8)]) * epochs
    drops = np.sort(rng.uniform(1.5, 12.0, 2))[::-1] * POINT
    rise = rng.uniform(0.3, 0.7) * drops.min() if rising else 0.0

    def mean(x: Array) -> Array:
        since = np.where(x < places[0], x / places[0], np.clip((x - places[0]) / np.diff(places), 0.0, 1.0))
        stage = np.searchsorted(places, x, side="right")
        lift = rise * np.where(stage < 2, since**2, 0.0)
        return floor + height * np.exp(-x / scale) + lift + np.r_[drops.sum(), drops[1], 0.0][stage]

    shape: Shape = "unstable" if rising else "monotone"
    return Curve(mean, shape, ("monotone",) if rising else (), clocked=True)


def periodic(rng: Generator, epochs: int) -> Curve:
    """A wiggle of 1 to 4 points with 6 to 30 periods over a flat tail, as a cyclic schedule makes."""
    base, amplitude = flat_tail(rng, epochs), rng.uniform(1.0, 4.0) * POINT
    period, phase = epochs / loguniform(rng, 6.0, 30.0), rng.uniform(0.0, 2.0 * np.pi)
    return Curve(
        lambda x: base.mean(x) + amplitude * np.sin(2.0 * np.pi * x / period + phase),
        "unstable",
        ("monotone",),
        clocked=True,
    )


FAMILIES: dict[str, Callable[[Generator, int], Curve]] = {
    "dd_strong": lambda rng, epochs: double_descent(rng, epochs, "strong"),
    "dd_weak": lambda rng, epochs: double_descent(rng, epochs, "weak"),
    "dd_weak_plateau": lambda rng, epochs: double_descent(rng, epochs, "weak", long_plateau=True),
    "dd_spikes": lambda rng, epochs: replace(double_descent(rng, epochs, "weak"), spikes=True),
    "two_bumps": two_bumps,
    "monotone": monotone,
    "flat_tail": flat_tail,
    "drift": flat_tail,  # the wander is noise: synthetic.py adds it
    "u_shaped": u_shaped,
    "plateau": plateau,
    "plateau_level": lambda rng, epochs: plateau(rng, epochs, level_end=True),
    "step_drops": lambda rng, epochs: step_drops(rng, epochs, rising=False),
    "step_drops_rising": lambda rng, epochs: step_drops(rng, epochs, rising=True),
    "spikes": lambda rng, epochs: replace(monotone(rng, epochs), spikes=True),
    "periodic": periodic,
}
POSITIVE = ("dd_strong", "dd_weak", "dd_weak_plateau", "dd_spikes", "two_bumps")
NULLS = tuple(name for name in FAMILIES if name not in POSITIVE)
