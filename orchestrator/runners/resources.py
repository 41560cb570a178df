"""What a run may be given of GPUs and cores: refused early, torch imported only for a GPU."""

from __future__ import annotations

from orchestrator.runners.limits import usable_cores
from sweeps.errors import SpecError


def check_resources(
    gpus_per_run: float, threads_per_run: int, *, on_this_machine: bool, in_this_process: bool = False
) -> None:
    """Raise SpecError for a share of devices that no run could be given.

    `on_this_machine`: the runs stay here, so that its devices and cores are all there are. `in_this_process`: one run
    at a time, which may use more threads than there are cores (to give again what a larger machine gave).
    """
    if gpus_per_run > 1:
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: allowed 0 to 1 (a run trains on one device)")
    if 0 < gpus_per_run < 0.01:
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: allowed 0, or 0.01 to 1")
    if not on_this_machine:
        return
    if gpus_per_run > 0 and not accelerators():
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: no CUDA device is seen on this machine; 0 runs on CPU")
    cores = usable_cores()
    if threads_per_run > cores and not in_this_process:
        raise SpecError(f"--threads-per-run {threads_per_run}: allowed 1 to {cores}, the cores it may use")


def accelerators() -> list[str]:
    """Names of the CUDA devices that are seen here. Imports torch."""
    import torch

    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
