"""Published errors to compare a sweep with, as data: one YAML file each, figures with their source.

Reference   what was published: where its runs stand, and its series of errors
Series      one published curve, with the tolerance that agreement is stated for
references  all of them
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from sweeps.language.plain_yaml import load
from sweeps.spec import Share, Spec

FOLDER = Path(__file__).parent


class Series(Spec):
    """One published curve. at: positions on the axis; test, rerun, train: errors as fractions.

    rerun: of an independent repetition. tolerance: agreement is a mean absolute difference of test errors up to this.
    where: fields that our runs must have, beside those of the reference. sources: whether the source's task is the
    target's own (`same`) or not (`other`).
    """

    label: str
    tolerance: float = Field(gt=0, lt=1)
    at: tuple[float, ...] = Field(min_length=2)
    test: tuple[Share, ...]
    rerun: tuple[Share, ...] | None = None
    train: tuple[Share, ...] | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    sources: Literal["same", "other"] | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Series:
        for name in ("test", "rerun", "train"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.at):
                raise ValueError(f"{name}: {len(values)} values at {len(self.at)} positions")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError("at: positions ascend")
        return self


class NoisyTestLabels(Spec):
    """The published test labels are wrong with this probability, drawn among the other classes; ours are clean."""

    share: Share
    classes: int = Field(ge=2)

    def clean(self, error: float) -> float:
        """The error on clean labels: a right answer is counted wrong with probability p, a wrong one right with
        p / (classes - 1)."""
        return (error - self.share) / (1 - self.share * self.classes / (self.classes - 1))


class Reference(Spec):
    """What was published, and which of our runs it speaks of.

    axis: `epoch`, or the field along which final errors are compared. where: fields that our runs must have; null is a
    missing value. relative: errors are taken less that of the first position, positions as shares of the last.
    """

    name: str
    title: str
    source: str
    axis: Literal["epoch", "model.width", "transfer.frozen"]
    where: dict[str, Any]
    series: tuple[Series, ...]
    relative: bool = False
    noisy_test_labels: NoisyTestLabels | None = None


@cache
def references() -> tuple[Reference, ...]:
    """Every reference, by name."""
    files = sorted(FOLDER.glob("*.yaml"))
    return tuple(Reference.model_validate(load(file.read_text(encoding="utf-8"))) for file in files)
