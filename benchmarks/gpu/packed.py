"""Several runs at a time on one device, each a process of its own, as Ray places them."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from queue import Empty

from benchmarks.gpu.product import product
from benchmarks.gpu.setting import Setting

LONGEST_SECONDS = 900.0


class DoesNotFit(RuntimeError):
    """A run ended with an error: as a rule, its share of the device's memory was too small."""


def aggregate(setting: Setting, runs: int) -> float:
    """Images per second of `runs` concurrent runs together, from the moment when all are warm to the last one's end.

    On CUDA each may allocate its share of the device alone; threads are the setting's, per run. Raises DoesNotFit.
    """
    if setting.on_cuda:
        setting = replace(setting, gpus_per_run=1 / runs)
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    barrier, said = context.Barrier(runs), context.Queue()
    processes = [
        context.Process(target=_run, args=(replace(setting, seed=seed), barrier, said), daemon=False)
        for seed in range(runs)
    ]
    for process in processes:
        process.start()
    try:
        spans = [_heard(said, processes) for _ in processes]
    finally:
        barrier.abort()
        for process in processes:
            process.join(10)
            if process.is_alive():
                process.terminate()
                process.join()
    images = runs * setting.train * (setting.epochs - 1)
    return images / (max(end for _, end in spans) - min(start for start, _ in spans))


def _run(setting: Setting, barrier: Barrier, said: Queue[tuple[float, float] | str]) -> None:
    try:
        stamps = product(setting, when_warm=lambda: barrier.wait(LONGEST_SECONDS)).stamps
        said.put((stamps[0], stamps[-1]))
    except Exception:  # whatever it is, the parent must hear of it
        said.put(traceback.format_exc())
        barrier.abort()  # and the others must not wait for it


def _heard(said: Queue[tuple[float, float] | str], processes: Sequence[BaseProcess]) -> tuple[float, float]:
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        killed = [process.exitcode for process in processes if process.exitcode not in (None, 0)]
        try:
            answer = said.get(timeout=1.0)
        except Empty:
            if killed:
                raise DoesNotFit(f"a run's process ended with exit code {killed[0]}") from None
            continue
        if isinstance(answer, str):
            raise DoesNotFit(answer.strip().splitlines()[-1])
        return answer
    raise DoesNotFit(f"a run was not done after {LONGEST_SECONDS:.0f} s")
