"""What committed results took, as the cost model learns from it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import islice

from pydantic import ValidationError

from orchestrator.schedule.cost import Sample, work_of_parts
from orchestrator.store.ledger import Ledger, StoreError
from sweeps.records import RunRecord
from sweeps.spec import ModelSpec, SourceSpec, TargetSpec, TrainSpec, TransferSpec
from sweeps.store import records

MOST = 2000
"""Results of the sweep itself that are learnt from."""

ENOUGH = 200
"""With fewer of its own, a sweep also learns from the store's other results: so many of both together."""

AT_FIRST = 32
"""Folders of runs that are looked at first: where a store has some thousand runs, these hold enough."""


def sample_of(record: RunRecord) -> Sample:
    """Raises pydantic.ValidationError or ValueError where the spec is none of today's."""
    spec = record.spec
    model = ModelSpec.model_validate(spec["model"])
    if record.kind == "source":
        source = SourceSpec.model_validate(spec["source"])
        work = work_of_parts(model, source, source, TransferSpec())
    else:
        target, train = TargetSpec.model_validate(spec["target"]), TrainSpec.model_validate(spec["train"])
        work = work_of_parts(model, target, train, TransferSpec.model_validate(spec["transfer"]))
    return Sample(model.family, record.device, work, record.busy_seconds)


def others(ledger: Ledger, known: set[str], most: int) -> Iterator[Sample]:
    """Up to `most` samples of other results in the store: the first by id, which is as good as drawn at random."""
    return islice(_others(ledger, known), most)


def _others(ledger: Ledger, known: set[str]) -> Iterator[Sample]:
    shelves = records.shelves(ledger.store)
    first = [each for each in shelves if each[0] == "run"][:AT_FIRST]
    for some in (first, [each for each in shelves if each not in first]):
        try:
            view = ledger.store.snapshot(folder for _, folder in some)
        except OSError as problem:
            raise records.unreadable(ledger.store, "", problem) from None
        for place in records.places_on(view, some):
            if place.id in known:
                continue
            try:
                record = records.result(view, place)
                if record is not None:
                    yield sample_of(record)
            except (StoreError, ValidationError, ValueError, KeyError):
                continue  # not this sweep's to complain of


def holds_other_runs(ledger: Ledger, known: Container[str]) -> bool:
    """Whether the store has a folder of a run that is not among these. Reads no result."""
    return any(place.id not in known for place in records.places(ledger.store, "run"))
