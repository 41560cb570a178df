"""The detector's answer for one curve, or for the seeds of one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["monotone", "u_shaped", "plateau", "double_descent", "unstable"]
Strength = Literal["weak", "strong"]
SHAPES: tuple[Shape, ...] = ("monotone", "u_shaped", "plateau", "double_descent", "unstable")


@dataclass(frozen=True)
class Point:
    """A place on a curve. `position` is on whatever axis was asked (epochs, frozen units, ...).

    `error` is on the scale of the input (fractions in this project). The intervals are 95 % intervals
    over seeds and are None where there are fewer than three.
    """

    position: float
    error: float
    position_interval: tuple[float, float] | None = None
    error_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """Shape of a curve and the evidence for it. docs/detection.md defines every word.

    prominence: min(rise from the first minimum, fall to the second), same unit as the errors.
    roughness: standard deviation of a single point about the smooth curve, same unit.
    p_value: rotation test over seeds (three or more), else None.
    single_seed_significance: p-value under a fitted noise model of ONE curve. It says that the peak is more
        than this curve's own noise; it says nothing about another seed. None where there are several seeds.
    agreement: share of the seeds whose own shape is the verdict's; None for one seed.
    note: why a curve was refused or called censored, in words; None where nothing is to be said.
    """

    shape: Shape
    strength: Strength | None = None
    first_min: Point | None = None
    peak: Point | None = None
    second_min: Point | None = None
    prominence: float | None = None
    roughness: float | None = None
    p_value: float | None = None
    single_seed_significance: float | None = None
    train_error_at_peak: float | None = None
    seeds: int = 1
    agreement: float | None = None
    note: str | None = None

    @property
    def double_descent(self) -> bool:
        return self.shape == "double_descent"

    @property
    def censored(self) -> bool:
        """True where the curve ends before its shape is decided: it rose and was stopped."""
        return self.shape == "u_shaped"

    def points(self) -> dict[str, Point]:
        """First minimum, peak and second minimum of a double descent by name; empty for other shapes."""
        if not self.double_descent:
            return {}
        found = {"first_min": self.first_min, "peak": self.peak, "second_min": self.second_min}
        return {name: point for name, point in found.items() if point is not None}

    def as_json(self, run: str) -> dict[str, Any]:
        """The object of `detect --json`: these names are fixed (docs/detection.md)."""
        points = {
            name: None if point is None else {"epoch": point.position, "error": point.error}
            for name, point in (
                ("first_min", self.first_min),
                ("peak", self.peak),
                ("second_min", self.second_min),
            )
        }
        return {
            "run": run,
            "shape": self.shape,
            "strength": self.strength,
            **points,
            "prominence": self.prominence,
            "p_value": self.p_value,
            "double_descent": self.double_descent,
        }
