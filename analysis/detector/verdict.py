"""The detector's answer for one curve, or for the seeds of one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["monotone", "u_shaped", "plateau", "double_descent", "unstable"]
Strength = Literal["weak", "strong", "undecided"]
Significance = Literal["significant", "not_significant", "not_tested"]
Cause = Literal["interpolation", "co_adaptation", "unknown"]
SIGNIFICANT_AT = 0.05  # epochs; short axes have a stricter bound (Rule.level)
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

    strength: of a double descent; weak or strong only where the second minimum differs from the first beyond doubt.
    strength_interval: 95 % interval of second minus first minimum, paired over seeds; None below two seeds.
    prominence: min(rise from the first minimum, fall to the second), same unit as the errors.
    final_ascent: how far the error rises again after the second minimum, where that is beyond doubt.
    roughness: standard deviation of a single point about the smooth curve, same unit.
    p_value: of the test over two or more seeds, else None.
    single_seed_significance: p-value under a fitted noise model of ONE curve. It says that the peak is more
        than this curve's own noise; it says nothing about another seed. None where there are several seeds.
    agreement: share of the seeds whose own shape is the verdict's; None for one seed.
    cause: why there is a double descent (cause_of_peak), None for other shapes. converged: whether the errors have
        settled at the end of training; None where nobody said.
    q_value: `p` adjusted for the other verdicts of a table or log (`q_values.adjusted`); None where nobody asked.
    sensitivity: share of the detector's settings under which the verdict stays; None where it was not asked for.
    significant_at: the p-value up to which the call is significant.
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
    strength_interval: tuple[float, float] | None = None
    final_ascent: float | None = None
    cause: Cause | None = None
    converged: bool | None = None
    sensitivity: float | None = None
    q_value: float | None = None
    significant_at: float = SIGNIFICANT_AT

    @property
    def p(self) -> float | None:
        """The p-value of the test that was made, over seeds or of one curve against its own noise; None without one."""
        return self.single_seed_significance if self.p_value is None else self.p_value

    @property
    def significance(self) -> Significance:
        """Of the call of a double descent: `significant` where the shape is one and its p-value is at most
        `significant_at`; in a table or log of several the adjusted p-value must be at most .05 too.
        """
        if self.p is None:
            return "not_tested"
        small = self.p <= self.significant_at and (self.q_value is None or self.q_value <= SIGNIFICANT_AT)
        return "significant" if self.shape == "double_descent" and small else "not_significant"

    @property
    def double_descent(self) -> bool | None:
        """True where the shape is one and it is significant; None where it could not be tested; else False.

        A refused curve and a dip of broken co-adaptation are none, whatever a test says.
        """
        if self.shape == "unstable" or self.cause == "co_adaptation":
            return False
        return None if self.significance == "not_tested" else self.significance == "significant"

    @property
    def censored(self) -> bool:
        """True where the curve ends before its shape is decided: it rose and was stopped."""
        return self.shape == "u_shaped"

    def points(self) -> dict[str, Point]:
        """First minimum, peak and second minimum of a double descent by name; empty for other shapes."""
        if self.shape != "double_descent":
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
            "strength_interval": None if self.strength_interval is None else list(self.strength_interval),
            **points,
            "final_ascent": self.final_ascent,
            "prominence": self.prominence,
            "p_value": self.p_value,
            "single_seed_significance": self.single_seed_significance,
            "q_value": self.q_value,
            "significance": self.significance,
            "significant_at": self.significant_at,
            "double_descent": self.double_descent,
            "cause": self.cause,
            "converged": self.converged,
            "censored": self.censored,
            "seeds": self.seeds,
            "agreement": self.agreement,
            "sensitivity": self.sensitivity,
            "note": self.note,
        }
