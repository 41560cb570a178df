"""Publishing: what W&B does not have yet is replayed to it from the store."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.store.interface import Store
from orchestrator.tracking.published import is_published
from orchestrator.tracking.tracker import Tracker, TrackingOptions
from orchestrator.tracking.wandb_service import FAILURES_IN_A_ROW
from sweeps.identity import digest
from sweeps.layout import place
from sweeps.records import EpochRecord, RunRecord


@dataclass(frozen=True)
class PublishReport:
    """How many runs went where. `problems` has one line for each cause, with the runs that it kept back."""

    published: int
    already: int
    problems: tuple[str, ...]
    not_tried: int
    """Left out after several failures in a row: then the server, not the run, is the reason."""

    @property
    def complete(self) -> bool:
        return not self.problems and not self.not_tried


def publish(
    store: Store,
    runs: Sequence[tuple[RunRecord, list[EpochRecord]]],
    options: TrackingOptions,
    sweep: str | None = None,
) -> PublishReport:
    """Sends to W&B, online, every run that this project there does not have yet. Raises nothing of W&B's.

    A run is marked once the server has shown all of its rows, and is then never sent again. Any other is sent again by
    the next call, under the same W&B id, which replaces it. Copies of a marked run on this disk are removed: the store
    and W&B both have the curve. Nothing else is removed.
    """
    options = replace(options, mode="online")
    missing = [run for run in runs if not is_published(store, run[0].id, options.project)]
    kept_back: dict[str, list[str]] = {}
    published = tried = in_a_row = 0
    for record, epochs in missing:
        problem = _replay(record, epochs, options, sweep, _token(store, record))
        tried += 1
        if problem is None:
            published, in_a_row = published + 1, 0
            _remove_copies(options, record.id)
            continue
        kept_back.setdefault(problem, []).append(f"{record.id} {record.name}")
        in_a_row += 1
        if in_a_row == FAILURES_IN_A_ROW:
            break
    problems = tuple(f"{_some(names)}: {problem}" for problem, names in kept_back.items())
    return PublishReport(published, len(runs) - len(missing), problems, len(missing) - tried)


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} runs (the first: {names[0]})"


def _replay(
    record: RunRecord, epochs: Sequence[EpochRecord], options: TrackingOptions, sweep: str | None, token: int
) -> str | None:
    tracker = Tracker(
        options,
        kind=record.kind,
        id=record.id,
        cell=_group(record),
        name=record.name,
        attempt=token,
        spec=record.spec,
        sweep=sweep,
        replayed=True,
    )
    for row in epochs:
        tracker.log(row)
    tracker.finish(record.status, epochs[-1]._asdict() if epochs else {})
    return tracker.problem


def _token(store: Store, record: RunRecord) -> int:
    """The token of the attempt that committed a result: W&B ids are told apart by it, across resets too."""
    there = place(record.kind, record.id)
    return record.attempts + there.last_reset(store.list(there.folder))


def _group(record: RunRecord) -> str:
    """The cell of a run, as the canonical spec in its record gives it; a source model is a group of its own."""
    if record.kind == "source":
        return record.id
    return digest("cell", {name: value for name, value in record.spec.items() if name != "seed"})


def _remove_copies(options: TrackingOptions, id: str) -> None:
    for pattern in (f"offline-run-*-{id}-*", f"run-*-{id}-*"):
        for folder in options.runs.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)
