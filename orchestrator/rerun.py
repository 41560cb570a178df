"""`frostline rerun RUN`: one run again, in this process, beside the store: nothing of the store is changed.

A scratch store is given the source model that the run starts from, and where its pre-trained weights and images of
the user's own lie; the run is computed there as a worker computes it, and its curve is compared with the committed one,
to the bit.
"""

from __future__ import annotations

import pdb
import sys
import traceback
from pathlib import Path

import tasks
from orchestrator.store.jobs import Job, source_job
from orchestrator.store.ledger import Damaged, Ledger, StoreError
from orchestrator.train.options import Ending, TrialOptions
from sweeps import layout
from sweeps.errors import SpecError
from sweeps.records import TIME_COLUMNS, EpochRecord, FailureRecord, RunRecord
from sweeps.self_digest import seal

MOST_EPOCHS = 5


class CatchingLedger(Ledger):
    """A ledger that keeps the error of a failed attempt, for a debugger to look at."""

    caught: BaseException | None = None

    def fail(self, job: Job, error: BaseException, host: str | None = None) -> FailureRecord:
        self.caught = error
        return super().fail(job, error, host)


def rerun(job: Job, ledger: Ledger, scratch: Path, threads: int | None, debugger: bool) -> int:
    """Compute a job in a scratch store and say what came of it.

    Returns the exit code: 0 where the curve is the committed one or there is none to compare with, 1 where it failed or
    differs. `threads`: None takes those of the committed result. Raises SpecError where the source model has diverged,
    StoreError where the scratch store has the job or its source model already: nothing would be computed.
    """
    from orchestrator.train.worker_state import WorkerState

    before = _committed(job, ledger)
    recorded = before.provenance.get("threads") if before is not None else None
    options = TrialOptions(
        scratch,
        device="cuda" if before is not None and before.device != "cpu" and _has_cuda() else "cpu",
        threads=threads or (recorded if isinstance(recorded, int) and recorded > 0 else 1),
        settings=ledger.settings,
    )
    own = CatchingLedger(scratch, ledger.settings)
    source = source_job(job.spec, job.varied) if job.kind == "run" else None
    for each in (job, source):
        if each is not None and own.store.exists(own.place(each).folder):
            raise StoreError(f"--into {scratch}: has {each.kind} {each.id} already; allowed: a folder without it")
    own.open()
    _tell_places(job, ledger, own)
    state = WorkerState(options)
    state.ledger = own
    if source is not None and not _copied(source, ledger, own):
        print(f"source model {source.id} is not in the store: it is trained first")
        ending = _run(source, options, state, own, debugger)
        if ending != "done":
            return _told(source, ending, own)
    ending = _run(job, options, state, own, debugger)
    if ending not in ("done", "diverged"):
        return _told(job, ending, own)
    after = own.result(job)
    assert after is not None
    curve = own.curve(after)
    print(f"{job.kind} {job.id} {job.name}: {after.status} after {after.epochs} epochs, {after.busy_seconds:.1f} s")
    for row in curve[-MOST_EPOCHS:]:
        print(f"  epoch {row.epoch}: test error {row.test_error:.4f}, train error {row.train_error:.4f}")
    return 0 if before is None else _compared(curve, ledger.curve(before))


def _tell_places(job: Job, ledger: Ledger, own: Ledger) -> None:
    """Give the scratch store what a launch has written down of files that lie elsewhere: weights, images."""
    tasks_of = [part.task for part in (job.spec.source, job.spec.target) if part is not None]
    keys = [layout.content(digest) for task in tasks_of if (digest := tasks.content_digest(task)) is not None]
    if job.spec.model.weights is not None:
        keys.append(layout.weight_path(job.spec.model.weights))
    for key in keys:
        if (content := ledger.store.read(key)) is not None:
            own.store.replace(key, content)


def _run(job: Job, options: TrialOptions, state: object, own: CatchingLedger, debugger: bool) -> Ending:
    from orchestrator.train.trial import run_trial
    from orchestrator.train.worker_state import WorkerState

    assert isinstance(state, WorkerState)
    ending = run_trial(job, options, state)
    if own.caught is not None and debugger and own.caught.__traceback__ is not None:
        traceback.print_exception(own.caught)
        pdb.post_mortem(own.caught.__traceback__)
    return ending


def _told(job: Job, ending: str, own: CatchingLedger) -> int:
    last = own.last_failure(job)
    if last is not None:
        print(last[0].traceback.rstrip(), file=sys.stderr)
    print(f"{job.kind} {job.id} {job.name}: {'failed' if ending == 'memory' else ending}")
    return 1


def _committed(job: Job, ledger: Ledger) -> RunRecord | None:
    try:
        return ledger.result(job)
    except Damaged as problem:
        print(f"the committed result is not compared with: {problem}")
        return None


def _copied(source: Job, ledger: Ledger, own: Ledger) -> bool:
    """Give the scratch store a source model; False where the store has none. Raises SpecError if it has diverged."""
    record = ledger.result(source)
    if record is None or record.weights_sha256 is None:
        return False
    if record.status == "diverged":
        raise SpecError(f"source model {source.id} has diverged: nothing starts from it; rerun {source.id} instead")
    place = own.place(source)
    for key, digest in (
        (place.weights(record.weights_sha256), record.weights_sha256),
        (place.epochs(record.epochs_sha256), record.epochs_sha256),
    ):
        own.store.replace(key, _content(ledger, key, digest))
    own.store.create(place.result, seal(record.model_dump_json(indent=1).encode()))
    return True


def _content(ledger: Ledger, key: str, sha256: str) -> bytes:
    from sweeps.store.records import content

    return content(ledger.store, key, sha256)


def _compared(curve: list[EpochRecord], committed: list[EpochRecord]) -> int:
    """Epoch by epoch, but for the times; NaN equals NaN."""

    def bits(row: EpochRecord) -> tuple[str, ...]:
        return tuple(repr(value) for name, value in row._asdict().items() if name not in TIME_COLUMNS)

    differing = [
        number
        for number, (ours, theirs) in enumerate(zip(curve, committed, strict=False), 1)
        if bits(ours) != bits(theirs)
    ]
    if len(curve) == len(committed) and not differing:
        print("the same curve as the committed one, to the bit")
        return 0
    first = differing[0] if differing else min(len(curve), len(committed)) + 1
    print(f"not the committed curve: differs from epoch {first} on; another processor or library rounds differently")
    return 1


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
