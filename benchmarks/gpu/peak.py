"""The device's matrix peak, measured, and the floating-point operations of an epoch, counted."""

from __future__ import annotations

import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

import architectures
from benchmarks.gpu.bare import tune
from benchmarks.gpu.setting import CLASSES, Setting

SECONDS = 0.5


def peak(setting: Setting, side: int) -> float:
    """Most floating-point operations per second of square products of `side`, in the setting's precision."""
    tune(setting)
    kind = torch.bfloat16 if setting.precision == "bf16" else torch.float32
    left = torch.randn(side, side, dtype=kind, device=setting.device)
    right = torch.randn(side, side, dtype=kind, device=setting.device)
    best, until = float("inf"), time.perf_counter() + SECONDS
    rounds = 0
    while rounds < 5 or time.perf_counter() < until:
        began = time.perf_counter()
        torch.matmul(left, right)
        if setting.on_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
        rounds += 1
    return 2 * side**3 / best


def epoch_flops(setting: Setting) -> float:
    """Operations of one epoch: forward and backward over the train set, forward over train and test sets.

    A multiplication and an addition count as two; attention is counted as written, nothing computed twice. Counted on
    the CPU, where shapes are the same.
    """
    network = architectures.build(setting.model, CLASSES, 0)
    images = torch.randn(2, setting.model.channels, setting.model.image_size, setting.model.image_size)
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as training:
            cross_entropy(network(images), torch.tensor([0, 1])).backward()
        with torch.no_grad(), FlopCounterMode(display=False) as forward:
            network.eval()(images)
    trained, seen = setting.train, setting.train + setting.test
    return (training.get_total_flops() * trained + forward.get_total_flops() * seen) / len(images)
