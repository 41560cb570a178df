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
from sweeps.records import EpochRecord, RunRecord


@dataclass(frozen=True)
class PublishReport:
    """How many runs went where. `problems` has one line for each run that was tried in vain."""

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

    A run is marked once it has arrived whole, and is then never sent again; one that was cut off is sent again under
    the same W&B id, which replaces it. Its offline W&B runs are removed: the store and W&B both have the curve.
    """
    options = replace(options, mode="online")
    missing = [run for run in runs if not is_published(store, run[0].id, options.project)]
    problems: list[str] = []
    published = in_a_row = 0
    for record, epochs in missing:
        problem = _replay(record, epochs, options, sweep)
        if problem is None:
            published, in_a_row = published + 1, 0
            _remove_offline(options, record.id)
            continue
        problems.append(f"{record.id} {record.name}: {problem}")
        in_a_row += 1
        if in_a_row == FAILURES_IN_A_ROW:
            break
    tried = published + len(problems)
    return PublishReport(published, len(runs) - len(missing), tuple(problems), len(missing) - tried)


def _replay(
    record: RunRecord, epochs: Sequence[EpochRecord], options: TrackingOptions, sweep: str | None
) -> str | None:
    tracker = Tracker(
        options,
        kind=record.kind,
        id=record.id,
        cell=_group(record),
        name=record.name,
        attempt=record.attempts,
        spec=record.spec,
        sweep=sweep,
    )
    for row in epochs:
        tracker.log(row)
    tracker.finish(record.status, epochs[-1]._asdict() if epochs else {})
    return tracker.problem


def _group(record: RunRecord) -> str:
    """The cell of a run, as the canonical spec in its record gives it; a source model is a group of its own."""
    if record.kind == "source":
        return record.id
    return digest("cell", {name: value for name, value in record.spec.items() if name != "seed"})


def _remove_offline(options: TrackingOptions, id: str) -> None:
    for folder in options.runs.glob(f"offline-run-*-{id}-*"):
        shutil.rmtree(folder, ignore_errors=True)
