"""What a user says about the curves, beyond what the files say themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from analysis.logs.readers.table import CurveError

Better = Literal["high", "low"]
Unit = Literal["fraction", "percent"]
RuleName = Literal["error", "loss"]
AXIS_NAMES = ("epoch", "frozen", "width", "size", "depth")
FILE = "file"
"""`--seed file`: each file holds one seed of the same run."""


@dataclass(frozen=True)
class Choices:
    """Every field is None or empty where nothing was said.

    axis: of the detector. x, metric: names of columns. run: columns whose values name a run together, or one
    pattern of columns that hold a run each. seed: a column, `file`, or a pattern of columns that hold a seed each.
    better: which way the metric is better. unit: of the errors. rule: "loss" for a loss. at, last: which epoch, or
    how many last ones, stand for a model where each has a curve of its own. axes: names of an array's axes.
    """

    axis: str | None = None
    x: str | None = None
    metric: str | None = None
    run: tuple[str, ...] = ()
    seed: str | None = None
    better: Better | None = None
    unit: Unit | None = None
    rule: RuleName = "error"
    at: float | None = None
    last: int | None = None
    axes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, value, allowed in (
            ("axis", self.axis, AXIS_NAMES),
            ("better", self.better, get_args(Better)),
            ("unit", self.unit, get_args(Unit)),
            ("rule", self.rule, get_args(RuleName)),
        ):
            if value is not None and value not in allowed:
                raise CurveError(f"{option}: {value!r}; allowed are {', '.join(allowed)}")
        if self.at is not None and self.last is not None:
            raise CurveError("--at and --last: one of them is allowed")
        if self.last is not None and self.last < 1:
            raise CurveError(f"last: {self.last}; 1 or more is allowed")
        if self.rule == "loss" and (self.better == "high" or self.unit is not None):
            raise CurveError("rule: loss; a loss has neither --better high nor --unit")
        if len(set(self.axes)) < len(self.axes):
            raise CurveError(f"axes: {','.join(self.axes)}; each name once is allowed")
        patterns = [text for text in (*self.run, self.seed or "") if is_pattern(text)]
        if len(patterns) > 1 or (patterns and len(self.run) > 1):
            raise CurveError(f"run, seed: {', '.join(patterns)}; one pattern of columns is allowed")

    @property
    def pattern(self) -> tuple[str, str] | None:
        """(run or seed, pattern of columns), where one was given."""
        if self.seed is not None and is_pattern(self.seed):
            return "seed", self.seed
        return ("run", self.run[0]) if len(self.run) == 1 and is_pattern(self.run[0]) else None

    def columns(self) -> list[str]:
        """Names of columns that were given, without patterns."""
        named = [self.x, *self.run, None if self.seed == FILE else self.seed]
        return [name for name in named if name is not None and not is_pattern(name)]


def is_pattern(text: str) -> bool:
    return any(c in text for c in "*?")
