"""A batch of jobs as text, from the driver to a worker, with what the driver knows of those who held them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from orchestrator.store.jobs import Job
from orchestrator.store.lease import Watch
from sweeps.layout import Place, place
from sweeps.spec import RunSpec


def places_of(job: Job) -> list[Place]:
    """Where another process may hold what a worker needs for a job: the job itself, and its source model, which is
    trained again where it is found altered."""
    return [place(job.kind, job.id), *([] if job.needs is None else [place("source", job.needs)])]


def to_text(batch: Sequence[Job], watch: Watch) -> str:
    """[[kind, id, spec, silent], ...] as JSON. silent: [[kind, id, holder, beat], ...], of holders that the driver saw
    stand still for the lease's expiry: a worker takes over from them, unless they have moved since."""
    return json.dumps([[job.kind, job.id, job.spec.model_dump(mode="json"), _silent(job, watch)] for job in batch])


def _silent(job: Job, watch: Watch) -> list[tuple[str, str, str, int]]:
    if not watch.silent:  # as a rule: a source's id is a digest, and short jobs come by the hundred
        return []
    return [(each.kind, each.id, *watch.silent[each]) for each in places_of(job) if each in watch.silent]


def from_text(text: str, varied: tuple[str, ...], watch: Watch) -> Iterator[Job]:
    """The jobs of `to_text`. What the driver knows of a job's holders is told to `watch`."""
    for kind, id, spec, silent in json.loads(text):
        watch.silent.update({place(kind, id): (holder, beat) for kind, id, holder, beat in silent})
        yield Job(kind, id, RunSpec.model_validate(spec), varied)
