"""Planning against a store in a bucket: `plan` beside the listing alone, and beside a folder with the same results.

    pip install "moto[server]"; python -m benchmarks.bucket --runs 2000

moto's server, in a process of its own on this machine, answers some hundred requests a second and lists slowly, and
every page of a listing takes it the longer the more the bucket holds. So what is told is a ratio: the seconds of a
command against those of its own listing, taken side by side. Results are put there as a sweep leaves them: result,
curve, lease; and not timed.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import typer

from benchmarks.plan_scale import fill, record, sweep_text, timed
from orchestrator.schedule.plan import make_plan
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.folder import store_at
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.store.objects.store import ObjectStore
from sweeps.layout import INDEX, shelf
from sweeps.records import EpochRecord
from sweeps.self_digest import seal, sha256_of
from sweeps.store.location import location_of
from sweeps.sweep import parse
from tests import object_store


def put_results(ledger: Ledger, text: str) -> list[str]:
    """A result for every job of the sweep; the shelves that hold them."""
    ledger.open()
    made = make_plan(parse(text), ledger)
    ledger.save_sweep(made.record())
    jobs = [*made.sources.values(), *made.runs.values()]
    epochs = to_parquet([EpochRecord(1, 16, 0.5, 1.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.02, 0.01)])

    def put(job: Job) -> None:
        place, weights = ledger.place(job), b"weights" if job.kind == "source" else None
        ledger.store.replace(place.one_lease, json.dumps({"holder": "", "token": 1, "released": True}).encode())
        ledger.store.replace(place.epochs(sha256_of(epochs)), epochs)
        ledger.store.create(place.result, seal(record(job, epochs, weights).model_dump_json(indent=1).encode()))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, jobs))
    return sorted({f"{shelf(job.kind)}/{job.id[:2]}" for job in jobs})


def listing(store: ObjectStore, shelves: list[str]) -> float:
    """Seconds to list what a plan lists, as it does, and nothing else."""
    began = time.perf_counter()
    with ThreadPoolExecutor(store.readers) as pool:
        list(pool.map(lambda folder: sum(1 for _ in store.bucket.objects(folder)), shelves))
    return time.perf_counter() - began


def main(runs: int = 2000, repeats: int = 3) -> None:
    os.environ |= object_store.environment(object_store.endpoint())
    address = f"s3://{object_store.new_bucket(object_store.endpoint())}/plan"
    with tempfile.TemporaryDirectory(prefix="frostline-bucket-") as scratch:
        os.environ["FROSTLINE_CACHE"] = scratch
        folder, sweep, text = Path(scratch) / "store", Path(scratch) / "sweep.yaml", sweep_text(runs)
        sweep.write_text(text)
        began = time.perf_counter()
        store = store_at(address)
        assert isinstance(store, ObjectStore)
        shelves = put_results(Ledger(location_of(address), store=store), text)
        fill(folder, text)
        print(
            f"{runs:,} runs, {3 * runs:,} objects and more; filled in {time.perf_counter() - began:.0f} s (not timed)"
        )
        found: dict[str, list[float]] = {"listing": [], "no index": [], "indexed": [], "folder": []}
        gathered = 0
        for _ in range(repeats):
            store.remove_all(INDEX)
            found["listing"].append(listing(store, shelves))
            found["no index"].append(timed("plan", sweep, address).seconds)
            gathered = store.gather()
            found["indexed"].append(timed("plan", sweep, address).seconds)
            found["folder"].append(timed("plan", sweep, folder).seconds)
    for name, times in found.items():
        print(f"{name}: {median(times):.2f} s ({min(times):.2f} to {max(times):.2f}, n = {repeats})")
    print(f"{gathered} results in the index")


if __name__ == "__main__":
    typer.run(main)
