"""The page of 1,000 runs of 500 epochs: how long it takes to make, its size, how long a browser takes to open it.

    python -m benchmarks.page --epochs 500 --repeats 3

The store is that of `benchmarks.tables`. `frostline report` runs in a process of its own, imports included. Opening is
from the request until tables are there and the first chart is drawn, in a browser that has just been started; filtering
from the key until the rows have been laid out, words and a choice in turn, on the table of runs.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from benchmarks.tables.__main__ import fill, sweep_text, timed
from tests.browser import chromium

WORDS = ("frozen", "2.5", "zzz", "")
FILTER = """([words]) => new Promise((told) => {
  const box = document.querySelector('#run-table input[type=search]');
  const began = performance.now();
  box.value = words;
  box.dispatchEvent(new Event('input'));
  document.querySelector('#run-table table').getBoundingClientRect();
  requestAnimationFrame(() => setTimeout(() => told((performance.now() - began) / 1000), 0));
})"""


class Opened(NamedTuple):
    seconds: float
    slowest_filter: float
    cell: float


def opening(page: Path) -> Opened:
    """Seconds until the page is there, of the slowest filter, and until a cell's curves are drawn after a click."""
    with chromium.browser() as browser:
        view = browser.new_page(viewport={"width": 1200, "height": 900})
        began = time.perf_counter()
        view.goto(page.as_uri())
        view.wait_for_selector("html[data-ready]")
        view.evaluate("document.querySelector('#axis-chart').scrollIntoView()")
        view.wait_for_selector("#axis-chart .main-svg", state="attached")
        seconds = time.perf_counter() - began
        rows = view.locator("#run-table tbody tr").count()
        assert rows == 100, rows
        slowest = max(float(view.evaluate(FILTER, [words])) for words in WORDS)
        began = time.perf_counter()
        view.locator("#cell-table tbody tr button").nth(50).click()
        view.wait_for_selector("#panel .chart .main-svg", state="attached")
        return Opened(seconds, slowest, time.perf_counter() - began)


def line(epochs: int = 500, repeats: int = 3) -> str:
    """Build, open, filter, and say in one line."""
    with tempfile.TemporaryDirectory(prefix="frostline-page-") as folder:
        sweep, store, page = (Path(folder) / name for name in ("sweep.yaml", "store", "report.html"))
        sweep.write_text(sweep_text(epochs), encoding="utf-8")
        runs = fill(store, sweep_text(epochs))
        built = [timed("report", sweep, store, page) for _ in range(repeats)]
        seen = [opening(page) for _ in range(repeats)]
        size = page.stat().st_size / 1e6
    parts = {
        "built in": [each.seconds for each in built],
        "with CPU time": [each.cpu_seconds for each in built],
        "opened in": [each.seconds for each in seen],
        "filtered in": [each.slowest_filter for each in seen],
        "a cell drawn in": [each.cell for each in seen],
    }
    told = ", ".join(f"{what} {_times(values)}" for what, values in parts.items())
    return f"page: {runs:,} runs of {epochs} epochs: {size:.1f} MB, {told} (medians of {repeats}, least and most)"


def _times(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


def main(epochs: int = 500, repeats: int = 3) -> None:
    reason = chromium.missing()
    if reason is not None:
        raise SystemExit(f"error: {reason}")
    print(line(epochs, repeats))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
