"""The catalog's sweeps of heads in closed form: every run can be, and each rival stands beside its partner."""

from __future__ import annotations

import pytest

from orchestrator.schedule.vocabulary import KnownWords
from sweeps.expand import expand
from sweeps.sweep import read
from tasks import check

SWEEPS = {"lva_timeseries": 64 + 16 + 16 + 8 + 216, "lva_low_data_digits": 100 + 100, "lva_denoising_digits": 90 + 30}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_run_can_be(name: str) -> None:
    runs = expand(read(name), KnownWords())
    assert len(runs) == SWEEPS[name]
    for spec in runs.values():
        check(spec)
    places: dict[str | None, set[tuple[str, int, int, int]]] = {
        each: set() for each in (None, "lva_exact", "lva_ridge")
    }
    for spec in runs.values():
        if spec.train.method in places:
            places[spec.train.method].add((spec.target.task, spec.target.size, spec.transfer.frozen, spec.seed))
    assert places[None] and places[None] <= places["lva_exact"] | places["lva_ridge"]
