"""The device of a run: threads, precision, determinism, share of memory, layout. torch's global settings are made here.

Each run sets all of them, so that nothing depends on what ran before in the process.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple

import torch

from architectures import FAMILIES, Network
from orchestrator.train.allocator import keep_freed
from sweeps.spec import Kernels

Precision = Literal["float32", "tf32", "bf16"]

CONTEXT_BYTES = 2**29
"""What a process takes of a GPU outside torch's allocator (CUDA context, cuBLAS, cuDNN). Assumed, not measured."""


class RunDevice(NamedTuple):
    """The device of one run, and what depends on it."""

    torch: torch.device
    name: str
    """`cpu`, or the GPU's own name."""
    kept_bytes: int
    """The largest size of a worker's cache of data there, and of its cache of activations."""
    autocast: torch.autocast
    """What Lightning runs a step in, for what is computed outside one: bf16 where that is the recipe's precision."""


def prepare(name: str, threads: int, precision: Precision, gpus_per_run: float = 0.0) -> RunDevice:
    """Set this process up for one run on the device `name`.

    float32 is float32 everywhere: torch by default lets convolutions on CUDA use TF32. On CUDA, algorithms are the
    deterministic ones, chosen without timing them; an operation that has none raises RuntimeError. A share
    `gpus_per_run` below 1 limits what this process may allocate there.

    Example: `prepare("cpu", threads=1, precision="float32").torch` is `torch.device("cpu")`.
    """
    device = torch.device(name)
    if device.type == "cuda" and device.index is None:  # limits of memory are set for a numbered device
        device = torch.device("cuda", torch.cuda.current_device())
    keep_freed()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    _repeatable(device.type == "cuda")
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_fraction(gpus_per_run, total), device)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
    return RunDevice(device, device_name(device), kept_bytes(device), autocast)


def memory_fraction(gpus_per_run: float, total_bytes: int) -> float:
    """The fraction of a GPU's `total_bytes` that torch may allocate in a process of this share.

    Below a whole GPU the process's context is taken off, but never more than half of the share.
    """
    if not 0 < gpus_per_run < 1:
        return 1.0
    share = gpus_per_run * total_bytes
    return max(share - CONTEXT_BYTES, share / 2) / total_bytes


def kept_bytes(device: torch.device) -> int:
    """The largest size of a worker's cache of data, and of its cache of activations: 2 GiB, on CUDA at most a quarter
    of what this process may allocate."""
    if device.type != "cuda":
        return 2 * 2**30
    total = torch.cuda.get_device_properties(device).total_memory
    return min(2 * 2**30, int(torch.cuda.get_per_process_memory_fraction(device) * total / 4))


def placed(network: Network, family: str, kernels: Kernels | None, device: torch.device) -> Network:
    """The network on its device, to compute as `kernels` says.

    Another layout may select another kernel, which adds in another order: results differ in their last digits, which
    is why the layout is part of a run's recipe. On CUDA, families that say so lie channels last under every recipe, as
    tensor cores read them.
    """
    if kernels == "tuned":
        FAMILIES[family].tune(network.net)
    if device.type == "cuda" and FAMILIES[family].channels_last:
        return network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return network.to(device)


def device_name(device: torch.device) -> str:
    """`cpu`, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _repeatable(on_cuda: bool) -> None:
    if on_cuda:
        # cuBLAS reads it when its first handle is made; without it torch refuses deterministic mode.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    # Not `warn_only`: with it torch keeps the nondeterministic backward pass of memory-efficient attention.
    torch.use_deterministic_algorithms(on_cuda)
    # This part of deterministic mode fills every new tensor, which costs time and changes nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
