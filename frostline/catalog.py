"""The sweeps of the catalog side by side: how many runs each asks for, and which of them others ask for too.

Runs are known by their ids, so a run that stands in two sweeps is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.schedule.vocabulary import KnownWords
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.identity import source_id
from sweeps.spec import RunSpec
from sweeps.sweep import CATALOG, read

SCALES = ("digits", "cifar", "full")
"""How the names of the paper's sweeps end: minutes on a CPU, at most a day on a GPU, a cluster."""


@dataclass(frozen=True)
class Entry:
    """One sweep. shared: runs that other listed sweeps ask for too, by the name of the other."""

    name: str
    about: str
    runs: int
    sources: int
    shared: Mapping[str, int]


@dataclass(frozen=True)
class Catalog:
    """The listed sweeps, and what they come to together: runs and source models, each counted once."""

    entries: tuple[Entry, ...]
    asked: int
    runs: int
    sources: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        width = max(len(each.name) for each in self.entries)
        lines = [f"{'':{width}}   runs  sources  shared with others"]
        for each in self.entries:
            shared = ", ".join(f"{number:,} {name}" for name, number in each.shared.items())
            lines.append(f"{each.name:{width}}  {each.runs:>5,}  {each.sources:>7,}  {shared}".rstrip())
        together = f"together {self.runs:,} runs and {self.sources:,} source models, each computed once"
        lines.append(f"{together} ({self.asked:,} runs asked for)")
        return "\n".join(lines)


def catalog(scale: str | None = None) -> Catalog:
    """All sweeps of the catalog, or those of one scale. Raises SpecError, in one line, for a scale that is none."""
    if scale is not None and scale not in SCALES:
        raise SpecError(f"--scale {scale}: allowed: {', '.join(SCALES)}")
    names = sorted(file.stem for file in CATALOG.glob("*.yaml"))
    return of_sweeps(name for name in names if scale is None or name.endswith(f"_{scale}"))


def of_sweeps(names: Iterable[str]) -> Catalog:
    """The sweeps of these names or paths."""
    words = KnownWords()
    sweeps = {name: read(name) for name in names}
    expanded = {name: expand(sweep, words) for name, sweep in sweeps.items()}
    entries = tuple(
        Entry(name, sweeps[name].about, len(runs), len(_sources(runs.values())), _shared(name, expanded))
        for name, runs in expanded.items()
    )
    every = {id: spec for runs in expanded.values() for id, spec in runs.items()}
    return Catalog(entries, sum(each.runs for each in entries), len(every), len(_sources(every.values())))


def _sources(specs: Iterable[RunSpec]) -> set[str]:
    return {id for id in map(source_id, specs) if id is not None}


def _shared(name: str, expanded: Mapping[str, Mapping[str, RunSpec]]) -> dict[str, int]:
    """The most shared first."""
    own = expanded[name].keys()
    found = Counter({other: len(own & runs.keys()) for other, runs in expanded.items() if other != name})
    return {other: number for other, number in found.most_common() if number}
