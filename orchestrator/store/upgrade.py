"""Bring a store of an older format to this one, in place, file by file; the same command goes on after a crash.

Format 1 had results and sweeps without a digest of their own; ids, curves and weights were the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from orchestrator.store import durable
from orchestrator.store.integrity import StoreError, problem_of
from orchestrator.store.lease import living
from sweeps.layout import FORMAT, KINDS, Layout, Place
from sweeps.records import RunRecord, SweepRecord
from sweeps.self_digest import FIELD, seal


@dataclass(frozen=True)
class Upgraded:
    files: int
    problems: tuple[str, ...]
    """What was left as it was, being damaged: `run` puts it in quarantine."""


def upgrade(root: Path) -> Upgraded:
    """Raises StoreError where there is no store of an older format, or where one is in use."""
    layout = Layout(root)
    try:
        found = layout.format.read_text(errors="replace").strip()
    except OSError as problem:
        raise StoreError(f"{layout.format}: {problem.strerror}") from None
    if found == str(FORMAT):
        return Upgraded(0, ())
    if found != "1":
        raise StoreError(f"{layout.format}: format {found[:20]!r}; this version upgrades format 1 to {FORMAT}")
    places = [layout.place(kind, path.name) for kind in KINDS for path in sorted(layout.shelf(kind).glob("*/*"))]
    if held := living(places):
        raise StoreError(f"{root}: in use ({held[0].kind} {held[0].id} is running); stop its sweep first")
    try:
        problems = [problem for place in places if (problem := _seal_result(place)) is not None]
        for path in sorted(layout.sweeps.glob("*/*.json")):
            _seal_sweep(path)
        durable.replace(layout.format, f"{FORMAT}\n".encode())
    except OSError as problem:
        raise StoreError(f"{root}: {problem.strerror}; nothing is lost, the same command goes on") from None
    results = sum(place.result.exists() for place in places)
    return Upgraded(results - len(problems), tuple(problems))


def _seal_result(place: Place) -> str | None:
    """Only a whole result is given a digest: one that was altered before must not come out as good."""
    try:
        content = place.result.read_bytes()
    except FileNotFoundError:
        return None
    if FIELD in content:
        return None
    try:
        problem = problem_of(RunRecord.model_validate_json(content), place)
    except ValidationError:
        problem = f"{place.result}: damaged"
    if problem is None:
        durable.replace(place.result, seal(content))
    return problem


def _seal_sweep(path: Path) -> None:
    """A record that does not parse is left: the next plan writes it anew."""
    content = path.read_bytes()
    try:
        SweepRecord.model_validate_json(content)
    except ValidationError:
        return
    durable.replace(path, seal(content))
