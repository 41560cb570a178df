"""A store in a bucket beside a folder with the same results: `plan`, and what `gc` lists.

    pip install "moto[server]"; python -m benchmarks.bucket --runs 1000 --fast-listing

moto's server runs in a process of its own on this machine, filled in memory (benchmarks/bucket/server.py, which also
says what `--fast-listing` is). In each round, one after the other: the listing alone, `plan` on a machine that has read
no index yet, `plan` again, `plan` of the folder; told are medians, ranges, and the ratios of each round. Requests are
those that the server counted. Up to 10,000 runs the index is written as a launch writes it, and `plan` without one is
measured; above, the index is put there as well, since moto takes minutes to give 100,000 results.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import NamedTuple

import typer

from benchmarks.bucket.server import BUCKET, COUNTS, PREFIX
from benchmarks.plan_scale import ROOT, fill, memory_folder, sweep_text, timed
from orchestrator.store.folder import store_at
from orchestrator.store.objects.store import ObjectStore
from sweeps.layout import INDEX, KINDS, shelf
from sweeps.store.objects.listing import objects_below
from tests.object_store import environment

MOST_ONE_BY_ONE = 10_000
ADDRESS = f"s3://{BUCKET}/{PREFIX}"


class Round(NamedTuple):
    """Seconds of the wall, of them the command's own on a processor, its peak memory, and the requests it made."""

    seconds: float
    cpu: float
    peak_mib: float
    requests: dict[str, int]


@contextmanager
def server(*options: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = [sys.executable, "-W", "ignore", "-m", "benchmarks.bucket.server", str(port), *options]
    process = subprocess.Popen(module, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        print(process.stdout.readline().strip())
        url = f"http://127.0.0.1:{port}"
        while True:
            try:
                counts(url)
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


def counts(url: str) -> dict[str, int]:
    """Requests since the last call."""
    with urllib.request.urlopen(url + COUNTS, timeout=60) as answer:
        return json.load(answer)


def listed(store: ObjectStore, url: str) -> Round:
    """What a plan lists, as it does, and nothing else."""
    counts(url)
    began, cpu = time.perf_counter(), time.process_time()
    shelves = [f"{shelf(kind)}/{first:02x}" for kind in KINDS for first in range(256)]
    for _ in objects_below(store.bucket, shelves, store.readers):
        pass
    return Round(time.perf_counter() - began, time.process_time() - cpu, 0, counts(url))


def command(verb: str, sweep: Path, store: Path | str, url: str, runs: int) -> Round:
    counts(url)
    before = getrusage(RUSAGE_CHILDREN)
    once = timed(verb, sweep, store)
    after = getrusage(RUSAGE_CHILDREN)
    assert once.answer["runs"]["done"] == runs, once.answer["runs"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Round(once.seconds, cpu, once.peak_mib, counts(url))


def garbage(url: str) -> Round:
    counts(url)
    before, began = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    asked = [sys.executable, "-m", "orchestrator", "gc", ADDRESS]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("0 to delete"), told.stdout
    seconds, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    return Round(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 0, counts(url))


def tell(name: str, rounds: list[Round], folder: list[Round]) -> None:
    seconds = [once.seconds for once in rounds]
    ratios = [once.seconds / beside.seconds for once, beside in zip(rounds, folder, strict=False)]
    print(
        f"{name}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, n = {len(seconds)}), "
        f"own CPU {median(once.cpu for once in rounds):.2f} s, peak {max(once.peak_mib for once in rounds):.0f} MiB, "
        f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of the folder's plan; {rounds[-1].requests}"
    )


def main(runs: int = 1000, repeats: int = 3, fast_listing: bool = False) -> None:
    options = [*["--fast-listing"] * fast_listing, *["--indexed"] * (runs > MOST_ONE_BY_ONE)]
    place = memory_folder(runs)
    with (
        server("--runs", str(runs), *options) as url,
        tempfile.TemporaryDirectory(prefix="frostline-bucket-", dir=place) as scratch,
    ):
        os.environ |= {**environment(url), "FROSTLINE_CACHE": f"{scratch}/cache"}
        folder, sweep, text = Path(scratch) / "store", Path(scratch) / "sweep.yaml", sweep_text(runs)
        sweep.write_text(text)
        fill(folder, text)
        store = store_at(ADDRESS)
        assert isinstance(store, ObjectStore)
        found: dict[str, list[Round]] = {}

        def note(name: str, once: Round) -> None:
            found.setdefault(name, []).append(once)

        if runs <= MOST_ONE_BY_ONE:
            note("plan, no index", command("plan", sweep, ADDRESS, url, runs))
        counts(url)
        began = time.perf_counter()
        gathered = store.gather()
        seconds = time.perf_counter() - began
        size = sum(each.bytes for each in store.entries(INDEX))
        print(f"index of {gathered} results, {size / 2**20:.1f} MiB, written in {seconds:.1f} s: {counts(url)}")
        for _ in range(repeats):
            shutil.rmtree(f"{scratch}/cache", ignore_errors=True)
            note("the listing", listed(store, url))
            note("plan, index read", command("plan", sweep, ADDRESS, url, runs))
            note("plan, index kept", command("plan", sweep, ADDRESS, url, runs))
            note("plan, folder", command("plan", sweep, folder, url, runs))
        note("gc, nothing to delete", garbage(url))
    for name, rounds in found.items():
        tell(name, rounds, found["plan, folder"])
    packages = ", ".join(f"{name} {version(name)}" for name in ("obstore", "moto", "pydantic"))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}")


if __name__ == "__main__":
    typer.run(main)
