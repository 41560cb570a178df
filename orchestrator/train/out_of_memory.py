"""Out of memory: told apart from other errors, and what this process can spare given back."""

from __future__ import annotations

import errno
import gc

import torch

from orchestrator.train import inputs

SIGNS = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Of the host or of the device, by whichever of Python, torch or the system it was told."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


def give_back() -> None:
    """Forget what is kept from run to run, and return cached device memory to the driver."""
    for kept in (inputs.DATA, inputs.WEIGHTS, inputs.ACTIVATIONS):
        kept.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
