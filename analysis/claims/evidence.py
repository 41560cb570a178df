"""One test of one claim."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """One test of a claim on one group. `effect` with its 95 % interval over seeds; n seeds.

    p_for and p_against are one-sided p-values of the claimed direction and of its opposite, None where there is no
    test; condition_for and condition_against are what must hold beside a small p-value. family: the networks'.
    """

    group: str
    measure: str
    n: int
    effect: float | None
    low: float | None
    high: float | None
    p_for: float | None
    p_against: float | None
    detail: str
    condition_for: bool = True
    condition_against: bool = True
    family: str | None = None
