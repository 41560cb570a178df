"""`make bench`: what is claimed about speed on a CPU, measured again, a line each.

    python -m benchmarks [NAMES ...]

Ratios are of things measured side by side here and now; seconds by themselves say little on a shared machine.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version

from benchmarks import forecast, grid, makespan
from benchmarks.noop.here import line as noop_line
from benchmarks.planning import scale


def _each(line: Callable[[], str]) -> Callable[[], Iterator[str]]:
    def lines() -> Iterator[str]:
        yield line()

    return lines


BENCHMARKS: dict[str, Callable[[], Iterator[str]]] = {
    "grid": lambda: iter(grid.lines()),
    "noop": _each(lambda: noop_line((1000, 5000))),
    "makespan": _each(makespan.line),
    "forecast": _each(forecast.line),
    "plan": _each(scale.line),
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: benchmark {unknown[0]}: allowed {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        + ", ".join(f"{package} {version(package)}" for package in ("torch", "pytorch-lightning", "ray")),
        flush=True,
    )
    for name in names or BENCHMARKS:
        for line in BENCHMARKS[name]():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
