"""What committed results took, as the cost model learns from it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydantic import ValidationError

from orchestrator.schedule.cost import Sample, work_of_parts
from orchestrator.store.integrity import StoreError, read_record
from orchestrator.store.ledger import Ledger
from sweeps.layout import KINDS
from sweeps.records import RunRecord
from sweeps.spec import ModelSpec, SourceSpec, TargetSpec, TrainSpec, TransferSpec

MOST = 2000
"""Results of the sweep itself that are learnt from."""

ENOUGH = 200
"""With fewer of its own, a sweep also learns from the store's other results: so many of both together."""


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
    left = most
    for kind in KINDS:
        shelf = ledger.layout.shelf(kind)
        try:
            firsts = sorted(os.listdir(shelf))
            ids = (id for first in firsts for id in sorted(os.listdir(shelf / first)))
            for id in ids:
                if left == 0:
                    return
                if id in known:
                    continue
                try:
                    record = read_record(ledger.layout.place(kind, id))
                    if record is not None:
                        yield sample_of(record)
                        left -= 1
                except (StoreError, ValidationError, ValueError, KeyError):
                    continue  # not this sweep's to complain of
        except OSError:  # no store yet
            continue
