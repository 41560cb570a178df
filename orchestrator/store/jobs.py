"""A job: one thing to be computed and committed, a source model or a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sweeps.identity import canonical, source_id, source_value
from sweeps.layout import Kind
from sweeps.naming import name_of_run, name_of_source
from sweeps.seeds import Role
from sweeps.spec import Recipe, RunSpec
from tasks.steps import budget


class Stage(NamedTuple):
    """What a worker needs to know of a job, resolved once."""

    role: Role
    recipe: Recipe
    needs: str | None
    described: dict[str, Any]
    """What is written beside everything that a job leaves behind: its kind, id, name and canonical spec."""


@dataclass(frozen=True, slots=True)
class Job:
    """`spec` is the run's, or that of any run that starts from this source: the source part of all is the same."""

    kind: Kind
    id: str
    spec: RunSpec
    varied: tuple[str, ...] = field(default=(), compare=False)
    """The fields that differ in its sweep, which its name shows. Not part of what it is."""

    @property
    def role(self) -> Role:
        return "source" if self.kind == "source" else "target"

    @property
    def recipe(self) -> Recipe:
        if self.kind == "run":
            return self.spec.train
        assert self.spec.source is not None
        return self.spec.source

    @property
    def epochs(self) -> int:
        """How many epochs it trains, the last of which may end early (a budget in steps)."""
        part = self.spec.target if self.kind == "run" else self.spec.source
        assert part is not None
        return budget(self.recipe, part.size).epochs

    @property
    def needs(self) -> str | None:
        """The source model that must be committed first."""
        return source_id(self.spec) if self.kind == "run" else None

    def stage(self) -> Stage:
        described = {"kind": self.kind, "id": self.id, "name": self.name, "spec": self.value}
        return Stage(self.role, self.recipe, self.needs, described)

    @property
    def name(self) -> str:
        return (name_of_run if self.kind == "run" else name_of_source)(self.spec, self.varied)

    @property
    def value(self) -> dict[str, Any]:
        """What the id is the digest of: stored with the result and compared on every entry."""
        value = canonical(self.spec) if self.kind == "run" else source_value(self.spec)
        assert value is not None
        return value


def source_job(spec: RunSpec, varied: tuple[str, ...] = ()) -> Job | None:
    id = source_id(spec)
    return None if id is None else Job("source", id, spec, varied)
