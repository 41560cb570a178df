"""Which starts and targets a sweep pairs: what runs have in common whatever their frozen depth and recipe. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orchestrator.store.jobs import Job, source_job
from sweeps.identity import canonical, digest
from sweeps.spec import RunSpec


class TransferPair(NamedTuple):
    """A start (a source model, or a file of weights) and a target's training set, of one seed."""

    id: str
    spec: RunSpec
    """Of any of its runs: their source, target, network and seed are the same."""
    source: Job | None
    """None where the network starts from a file of weights alone."""
    runs: tuple[str, ...]


def pairs_of(runs: Iterable[Job]) -> list[TransferPair]:
    """The distinct pairs of runs, in the order of the first run of each. Runs from random weights belong to none."""
    found: dict[str, TransferPair] = {}
    for job in runs:
        spec = job.spec
        if spec.source is None and spec.model.weights is None:
            continue
        id = pair_id(spec)
        if id in found:
            found[id] = found[id]._replace(runs=(*found[id].runs, job.id))
        else:
            found[id] = TransferPair(id, spec, source_job(spec, job.varied), (job.id,))
    return list(found.values())


def pair_id(spec: RunSpec) -> str:
    """Of all that the features of a run's source and target samples depend on, before anything of the target trains.

    The seed counts, and how the network is computed (`kernels`, `precision`), as other kernels round differently.
    """
    value = {
        "source": None if spec.source is None else canonical(spec.source),
        "target": canonical(spec.target),
        "model": canonical(spec.model),
        "seed": spec.seed,
        "arithmetic": [spec.train.kernels, spec.train.precision],
    }
    return digest("pair", value)
