"""Processes that race for jobs on one store, die in the middle of a write, and sleep for longer than a lease lasts.

    python -m tests.orchestrator.store.race STORE --jobs 500 --processes 8 --kills 60 --sleeps 8 --folder SCRATCH

Nothing is trained: a job is claimed, its curve and result are committed by the ledger, its lease is given back. Each
process has one fault before it: it kills or stops itself before or after some write of a lease, a curve or a result.
For a killed one another is started; a stopped one is woken when its lease has long expired. What each process was given
and committed is written down by itself. Prints one line of JSON: what was seen, to be judged by who called.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.faults import Fault, Faults
from orchestrator.store.lease import Fenced, Held
from orchestrator.store.ledger import Ledger
from orchestrator.store.settings import Settings
from sweeps.records import EpochRecord
from sweeps.store.location import location_of
from tests.orchestrator.small_runs import run_of, small

EXPIRY = 2.0
POINTS = {
    "kill": ("lease.begin", "lease.done", "epochs.begin", "epochs.done", "result.begin", "result.done"),
    "stop": ("epochs.begin", "result.begin"),
}


def work(store: str, log: Path, jobs: int, seed: int, faults: Faults) -> None:
    """One process, until every job has a result."""
    from benchmarks.plan_scale import record

    rng = random.Random(seed)
    ledger = Ledger(location_of(store), Settings(lease_expiry=EXPIRY, faults=faults))
    epochs = to_parquet([EpochRecord(1, 16, 0.5, 1.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.02, 0.01)])
    left = [run_of(small(seed=number, source=None, train={"epochs": 1})) for number in range(jobs)]
    descriptor = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def note(**told: Any) -> None:
        os.write(descriptor, (json.dumps(told) + "\n").encode())

    while left:
        job = rng.choice(left[:24])  # near its beginning: so they meet
        if ledger.result(job) is not None:
            left.remove(job)
            continue
        try:
            lease = ledger.claim(job)
        except Held:
            time.sleep(0.02)
            continue
        note(job=job.id, token=lease.token, holder=lease.holder)
        try:
            if ledger.result(job) is None:
                mine = record(job, epochs, None).model_copy(
                    update={"notes": (lease.holder,), "attempts": lease.attempt}
                )
                note(job=job.id, committed=ledger.commit(lease, mine, epochs, None), holder=lease.holder)
        except Fenced:
            note(job=job.id, fenced=True, holder=lease.holder)
        finally:
            lease.release()


def started(store: str, folder: Path, jobs: int, seed: int, faults: Faults) -> int:
    """A worker, forked before this process has asked the store for anything: its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(store, folder / "log.jsonl", jobs, seed, faults)
        code = 0
    finally:
        os._exit(code)


def race(store: str, folder: Path, jobs: int, processes: int, kills: int, sleeps: int, seed: int) -> dict[str, int]:
    """Start processes until all faults have happened and all jobs are done; what of it was carried out."""
    rng, done = random.Random(seed), Counter[str](kills=0, sleeps=0, failed=0)
    ahead = ["kill"] * kills + ["stop"] * sleeps
    rng.shuffle(ahead)
    seeds = iter(range(seed * 10_000, seed * 10_000 + 9_999))
    most = max(2, jobs // (2 * len(ahead)))

    def another() -> int:
        what = ahead.pop() if ahead else None
        faults = [] if what is None else [Fault(rng.choice(POINTS[what]), what, hit=rng.randint(1, most))]
        return started(store, folder, jobs, next(seeds), Faults(faults))

    living, asleep = {another() for _ in range(processes)}, dict[int, float]()
    deadline = time.monotonic() + 900
    while living:
        assert time.monotonic() < deadline, "the race does not end"
        time.sleep(0.02)
        for worker in [worker for worker, until in asleep.items() if time.monotonic() > until]:
            os.kill(worker, signal.SIGCONT)
            del asleep[worker]
        for worker in [*living]:
            ended, status = os.waitpid(worker, os.WNOHANG | os.WUNTRACED)
            if not ended:
                continue
            if os.WIFSTOPPED(status):
                done["sleeps"] += 1
                asleep[worker] = time.monotonic() + 4 * EXPIRY
                continue
            living.remove(worker)
            code = os.waitstatus_to_exitcode(status)
            done["kills"] += code == -signal.SIGKILL
            done["failed"] += code not in (0, -signal.SIGKILL)
            if code == -signal.SIGKILL:
                living.add(another())
    return dict(done)


def judged(store: str, folder: Path, jobs: int) -> dict[str, Any]:
    """What the store and the log say: results, commits of one job by two, tokens that two were given."""
    ledger = Ledger(location_of(store))
    found = [ledger.result(run_of(small(seed=number, source=None, train={"epochs": 1}))) for number in range(jobs)]
    told = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    tokens = Counter((each["job"], each["token"]) for each in told if "token" in each)
    commits = Counter(each["job"] for each in told if each.get("committed"))
    holders = {each["job"]: each["holder"] for each in told if each.get("committed")}
    results = {record.id: record.notes[0] for record in found if record is not None}
    return {
        "results": len(results),
        "claims": sum(tokens.values()),
        "tokens_used_twice": sum(number > 1 for number in tokens.values()),
        "committed_twice": sum(number > 1 for number in commits.values()),
        "of_another_than_committed": sum(results.get(job) != holder for job, holder in holders.items()),
        "fenced": sum("fenced" in each for each in told),
        "late_commits_refused": sum(each.get("committed") is False for each in told),
        "highest_token": max(token for _, token in tokens),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("--folder", type=Path, required=True)
    for name, usual in (("jobs", 500), ("processes", 8), ("kills", 60), ("sleeps", 8), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    began = time.monotonic()
    done = race(asked.store, asked.folder, asked.jobs, asked.processes, asked.kills, asked.sleeps, asked.seed)
    print(json.dumps({**done, **judged(asked.store, asked.folder, asked.jobs), "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    sys.exit(main())
