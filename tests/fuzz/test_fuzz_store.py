"""Store files as no version wrote them: whoever reads the store says so in one line, and never takes them for good.

FROSTLINE_FUZZ_EXAMPLES sets how many, 200 by default from a fixed seed; 2000 in the long form, new ones each time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.tables.load import read_epochs, read_sweep
from orchestrator.schedule.plan import make_plan
from orchestrator.store.gc import garbage
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.store.settings import Settings
from orchestrator.store.verify import problems
from orchestrator.train.methods import checkpoint
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.self_digest import seal
from sweeps.sweep import SweepSpec, parse
from tests.orchestrator.small_runs import folder_of, opened, run_of, small, small_sweep, source_of

EXAMPLES = int(os.environ.get("FROSTLINE_FUZZ_EXAMPLES", "200"))
SWEEP = small_sweep(epochs=2, name="fuzz") + "axes: {seed: 0..1}\n"
FIRST, SECOND = (small(train={"epochs": 2}, seed=seed) for seed in (0, 1))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[Path, bytes]]]:
    """A store with a bit of everything: a result, a source, a run stopped half way, a lease, a failure, a sweep."""
    ledger, options = opened(tmp_path_factory.mktemp("fuzz"))
    for job in (source_of(FIRST), source_of(SECOND), run_of(FIRST)):
        assert run_trial(job, options) == "done"
    told = WorkerState(options)
    told.stop.set()
    assert run_trial(run_of(SECOND), options, told) == "stopped"
    ledger.fail(run_of(SECOND), RuntimeError("once"))
    lease = ledger.claim(run_of(SECOND))
    lease.stop_beating()
    ledger.save_sweep(make_plan(parse(SWEEP), ledger).record())
    root = ledger.root
    yield root, {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    shutil.rmtree(root)


def mutated(data: st.DataObject, content: bytes) -> bytes:
    """Bits flipped, a piece cut out, doubled or replaced, or another content altogether; JSON perhaps sealed anew."""
    kind = data.draw(st.sampled_from(["flip", "cut", "replace", "double", "other", "number", "sealed"]))
    place = data.draw(st.integers(0, max(0, len(content) - 1)))
    length = data.draw(st.integers(1, 64))
    if kind == "flip" and content:
        return content[:place] + bytes([content[place] ^ (1 << data.draw(st.integers(0, 7)))]) + content[place + 1 :]
    if kind == "cut":
        return content[:place] + content[place + length :]
    if kind == "replace":
        return content[:place] + data.draw(st.binary(max_size=64)) + content[place + length :]
    if kind == "double":
        return content[: place + length] + content[place:]
    if kind == "number":
        digits = [i for i in range(len(content)) if content[i : i + 1].isdigit()]
        at = data.draw(st.sampled_from(digits)) if digits else 0
        return (
            content[:at]
            + data.draw(st.sampled_from([b"-1", b"1e999", b"null", b"[]", b'"x"', b"9" * 400]))
            + content[at + 1 :]
        )
    if kind == "sealed":
        value = data.draw(st.sampled_from([b"null", b"[]", b"{}", b'"x"', b"-1", b"1e999", b"NaN", b'{"a": 1}']))
        fields = content.split(b'": ')
        at = data.draw(st.integers(1, max(1, len(fields) - 1)))
        rest = fields[at].partition(b",")[2] if len(fields) > at else b""
        return seal(b'": '.join([*fields[:at], value + b"," + rest, *fields[at + 1 :]]))
    return data.draw(st.binary(max_size=200) | st.sampled_from([b"", b"{}", b"[]", b"null", b"PAR1", b"[" * 3000]))


def read_everything(root: Path, sweep: SweepSpec) -> None:
    """Every reader that the command lines have; of errors, only those that say what is wrong."""
    ledger = Ledger(root, Settings(lease_expiry=0.0))  # gc would wait for a beat of the lease
    try:
        ledger.check()
        made = make_plan(sweep, ledger, thorough=True)
        assert set(made.statuses.values()) <= {"done", "missing", "running", "failed", "blocked", "diverged"}
    except StoreError as problem:
        assert "\n" not in str(problem)
    for job in (run_of(FIRST), run_of(SECOND), source_of(FIRST)):
        _read_job(ledger, job)
    for told in (problem for _, problem in problems(ledger.store)):
        assert told is None or "\n" not in str(told)
    try:
        garbage(ledger.store, ledger.settings)
    except StoreError as problem:
        assert "\n" not in str(problem)
    try:
        stored = read_sweep(sweep, root)
        for run in stored.runs:
            if run.result is not None:
                read_epochs(stored.store, run)
            assert run.reason is None or "\n" not in run.reason
    except StoreError as problem:
        assert "\n" not in str(problem)


def _read_job(ledger: Ledger, job: Job) -> None:
    ledger.last_failure(job)
    ledger.progress(job)
    checkpoint.newest(ledger.store, ledger.place(job))
    try:
        record = ledger.result(job)
        if record is not None:
            ledger.curve(record)
    except StoreError as problem:
        assert "\n" not in str(problem)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 200,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_no_reader_of_the_store_trips(store: tuple[Path, dict[Path, bytes]], data: st.DataObject) -> None:
    root, contents = store
    path = data.draw(st.sampled_from(list(contents)))
    try:
        path.write_bytes(mutated(data, contents[path]))
        read_everything(root, parse(SWEEP))
    finally:
        path.write_bytes(contents[path])


@settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 200, database=None)
@given(data=st.data())
def test_an_altered_result_or_curve_is_never_taken_for_good(
    store: tuple[Path, dict[Path, bytes]], data: st.DataObject
) -> None:
    root, contents = store
    folder = folder_of(Ledger(root), run_of(FIRST))
    path = data.draw(st.sampled_from([path for path in contents if path.parent == folder]))
    altered = bytearray(contents[path])
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        path.write_bytes(altered)
        assert Ledger(root).status(run_of(FIRST), thorough=True) == "missing"
    finally:
        path.write_bytes(contents[path])
