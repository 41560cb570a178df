"""Publishing: what W&B does not have yet is replayed to it from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.store.interface import Store
from orchestrator.tracking.copies import remove_all
from orchestrator.tracking.description import describe, sweep_tag
from orchestrator.tracking.metrics import summary
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.published import is_published, sweeps_of
from orchestrator.tracking.tracker import Tracker
from orchestrator.tracking.wandb_service import FAILURES_IN_A_ROW
from sweeps.layout import place
from sweeps.records import EpochRecord, RunRecord


@dataclass(frozen=True)
class Publication:
    """How the runs of a sweep are shown.

    sweep: its name, a tag of each run. differ: the fields that differ in it, which names show. verdicts: by run id,
    what is added to a run's summary of its cell.
    """

    sweep: str | None = None
    differ: Sequence[str] = ()
    verdicts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
    runs: Sequence[RunRecord],
    curve_of: Callable[[RunRecord], list[EpochRecord]],
    options: TrackingOptions,
    shown: Publication = Publication(),
    progress: Callable[[int, int], None] | None = None,
) -> PublishReport:
    """Sends to W&B every run that this project there does not have as it would be sent now. Raises nothing of W&B's.

    A run is marked once the server has shown all of its rows, and is then not sent again, unless its verdict has
    changed or another sweep asks for it. Any other is sent again by the next call, under the same W&B id, which
    replaces it. Copies of a marked run on this disk are removed: the store and W&B both have the curve. Nothing else
    is removed. Where `options.mode` is offline, a file is written of every run, in the place of its earlier copies,
    and nothing is marked.

    curve_of: the epochs of a run, read when it is sent. progress: told how many runs have been tried, of how many.
    """
    missing = [run for run in runs if options.mode == "offline" or not _is_there(store, run, options.project, shown)]
    kept_back: dict[str, list[str]] = {}
    published = tried = in_a_row = 0
    for record in missing:
        problem = _replay(store, record, curve_of(record), options, shown)
        tried += 1
        if progress is not None:
            progress(tried, len(missing))
        if problem is None:
            published, in_a_row = published + 1, 0
            continue
        kept_back.setdefault(problem, []).append(f"{record.id} {record.name}")
        in_a_row += 1
        if in_a_row == FAILURES_IN_A_ROW:
            break
    problems = tuple(f"{_some(names)}: {problem}" for problem, names in kept_back.items())
    return PublishReport(published, len(runs) - len(missing), problems, len(missing) - tried)


def _is_there(store: Store, record: RunRecord, project: str, shown: Publication) -> bool:
    return is_published(store, record.id, project, shown.sweep, shown.verdicts.get(record.id))


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} runs (the first: {names[0]})"


def _replay(
    store: Store, record: RunRecord, epochs: Sequence[EpochRecord], options: TrackingOptions, shown: Publication
) -> str | None:
    """Sends one run; what went wrong, None where it has arrived or its file is whole."""
    verdict = shown.verdicts.get(record.id)
    described = describe(record.kind, record.id, record.name, record.spec, shown.differ, shown.sweep)
    others = [name for name in sweeps_of(store, record.id, options.project) if name != shown.sweep]
    tracker = Tracker(
        options,
        **{**described, "tags": [*described["tags"], *map(sweep_tag, others)]},
        attempt=wandb_attempt(store, record),
        sweeps=[*([shown.sweep] if shown.sweep else []), *others],
        commit=record.provenance.get("git_sha"),
        replayed=True,
        verdict=verdict,
    )
    for row in epochs:
        tracker.log(row)
    times = summary(epochs[-1] if epochs else None, record.wall_seconds, record.compute_seconds)
    tracker.finish(record.status, {**times, **(verdict or {})})
    if tracker.problem is None:
        remove_all(options.runs, rf"{record.id}-\d+", but=tracker.folder if options.mode == "offline" else None)
    return tracker.problem


def wandb_attempt(store: Store, record: RunRecord) -> int:
    """The token of the attempt that committed a result: W&B ids are told apart by it, across resets too."""
    there = place(record.kind, record.id)
    return record.attempts + there.last_reset(store.list(there.folder))
