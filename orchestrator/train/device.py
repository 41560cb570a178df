"""The device of a run: threads, precision, repeatability, its share of memory, layout. torch's settings are made here.

Nothing here depends on what ran before in the process: each run sets all of it.
"""

from __future__ import annotations

import os
from typing import Literal

import torch

from architectures import FAMILIES, Network
from orchestrator.train.allocator import keep_freed

Precision = Literal["float32", "tf32", "bf16"]

CONTEXT_BYTES = 2**29
"""What a process takes of a GPU outside torch's allocator (CUDA context, cuBLAS, cuDNN). Assumed, not measured."""


def prepare(name: str, threads: int, precision: Precision, gpus_per_run: float = 0.0) -> torch.device:
    """Set this process up for one run on device `name` and return the device.

    float32 is float32 everywhere: torch by itself lets convolutions on CUDA use TF32. On CUDA, algorithms are the
    deterministic ones, chosen without timing them; an operation that has none raises RuntimeError. A share
    `gpus_per_run` below 1 caps what this process may allocate there.
    """
    device = torch.device(name)
    keep_freed()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    _repeatable(device.type == "cuda")
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_fraction(gpus_per_run, total), device)
    return device


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """What Lightning runs a step in, for what is computed outside one: bf16 where that is the recipe's precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)


def memory_fraction(gpus_per_run: float, total_bytes: int) -> float:
    """The fraction of a GPU's `total_bytes` that torch may allocate in a process of this share.

    Below a whole GPU the process's context is taken off, but never more than half of the share.
    """
    if not 0 < gpus_per_run < 1:
        return 1.0
    share = gpus_per_run * total_bytes
    return max(share - CONTEXT_BYTES, share / 2) / total_bytes


def kept_bytes(device: torch.device) -> int:
    """The most that a worker keeps there of data, and as much again of activations, from run to run: 2 GiB, on CUDA at
    most a quarter of what this process may allocate."""
    if device.type != "cuda":
        return 2 * 2**30
    total = torch.cuda.get_device_properties(device).total_memory
    return min(2 * 2**30, int(torch.cuda.get_per_process_memory_fraction(device) * total / 4))


def placed(network: Network, family: str, device: torch.device) -> Network:
    """The network on its device. On CUDA, families that say so lie channels last, as tensor cores read convolutions.

    Another layout may take another kernel, whose sums have another order: hence never on the CPU, whose results are
    compared to the bit.
    """
    if device.type == "cuda" and FAMILIES[family].channels_last:
        return network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return network.to(device)


def device_name(device: torch.device) -> str:
    """`cpu`, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _repeatable(on_cuda: bool) -> None:
    if on_cuda:
        # cuBLAS reads it when its first handle is made, and torch refuses to be deterministic without it.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    # Not `warn_only`: with it torch keeps the backward pass of memory-efficient attention as it is.
    torch.use_deterministic_algorithms(on_cuda)
    # Its other half fills every new tensor, which costs time and changes nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
