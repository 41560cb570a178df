"""Out of memory: recognised among other errors; memory that this process can spare is freed."""

from __future__ import annotations

import errno
import gc

import torch

from orchestrator.train.worker_state import WorkerState

SIGNS = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Of the host or of the device, whether Python, torch or the system reports it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


def free_memory(state: WorkerState) -> None:
    """Drop what the worker keeps from job to job, and return cached device memory to the GPU's driver."""
    state.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
