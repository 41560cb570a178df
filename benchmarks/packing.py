"""Runs on CPU cores: one single-threaded run per core against one run with a thread per core.

    python -m benchmarks.packing

Why `--threads-per-run` is 1 by default. Each run is a process that trains as a trial does; the ratio is the images per
second of all runs together over those of the one run, by the wall clock. Both take turns; a ratio is taken within a
round. On a machine that does something else as well, threads that wait for each other lose most.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from benchmarks.gpu.packed import aggregate
from benchmarks.gpu.setting import Setting, machine, spread
from sweeps.spec import ModelSpec

SETTINGS: dict[str, Setting] = {
    "resnet14 k=8, 8x8": Setting(ModelSpec(family="resnet", depth=14, width=8), train=1280, test=320, batch=64),
    "densenet16 k=8, 8x8": Setting(ModelSpec(family="densenet", depth=16, width=8), train=1280, test=320, batch=64),
    "vit 4x32, 8x8": Setting(ModelSpec(family="vit", depth=4, width=32), train=1280, test=320, batch=64),
    "resnet18 k=16, 32x32": Setting(
        ModelSpec(family="resnet", depth=18, width=16, image_size=32, channels=3), train=256, test=128, epochs=3
    ),
}


def ratios(setting: Setting, cores: int, rounds: int) -> list[float]:
    """Images per second of `cores` runs of one thread over those of one run of `cores` threads, by round."""
    found = []
    for number in range(rounds):
        rates: dict[int, float] = {}
        for runs in (cores, 1) if number % 2 else (1, cores):
            rates[runs] = aggregate(replace(setting, threads=cores // runs), runs)
        found.append(rates[cores] / rates[1])
    return found


def line() -> str:
    """For `make bench`: the network of the quickstart."""
    cores = os.cpu_count() or 1
    name = "resnet14 k=8, 8x8"
    return (
        f"{cores} runs of 1 thread, {name}: {spread(ratios(SETTINGS[name], cores, 3), '.2f', 'x')} of 1 run of {cores}"
    )


def main(rounds: Annotated[int, typer.Option(min=1)] = 5) -> None:
    cores = os.cpu_count() or 1
    print(machine("cpu"), flush=True)
    for name, setting in SETTINGS.items():
        found = spread(ratios(setting, cores, rounds), ".2f", "x")
        print(f"{name}, batch {setting.batch}: {cores} runs of 1 thread give {found} of 1 run of {cores}", flush=True)


if __name__ == "__main__":
    typer.run(main)
