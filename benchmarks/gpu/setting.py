"""What is trained in the device benchmarks: networks, synthetic data, sizes, and how an epoch is timed."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch

from orchestrator.train.device import Precision, device_name
from sweeps.spec import ModelSpec, RunSpec
from tasks import TaskData

CLASSES = 10
NETWORKS: dict[str, ModelSpec] = {
    "resnet18 k=4": ModelSpec(family="resnet", depth=18, width=4, image_size=32, channels=3),
    "resnet18 k=16": ModelSpec(family="resnet", depth=18, width=16, image_size=32, channels=3),
    "resnet18 k=64": ModelSpec(family="resnet", depth=18, width=64, image_size=32, channels=3),
    "densenet100 k=12": ModelSpec(family="densenet", depth=100, width=12, image_size=32, channels=3),
    "vit 6x256": ModelSpec(family="vit", depth=6, width=256, image_size=32, channels=3),
}
TINY: dict[str, ModelSpec] = {
    "resnet8 k=4": ModelSpec(family="resnet", depth=8, width=4, image_size=8, channels=3),
    "densenet10 k=4": ModelSpec(family="densenet", depth=10, width=4, image_size=8, channels=3),
    "vit 2x16": ModelSpec(family="vit", depth=2, width=16, image_size=8, channels=3),
}


@dataclass(frozen=True)
class Setting:
    """One measurement: a network, where and how it trains. The first epoch warms up and is not timed."""

    model: ModelSpec
    device: str = "cpu"
    precision: Precision = "float32"
    train: int = 12_800
    test: int = 2_560
    batch: int = 128
    epochs: int = 5
    threads: int = 1
    gpus_per_run: float = 0.0
    loader_workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        assert self.train % self.batch == 0 and self.epochs >= 2, "whole batches (a graph has one shape), two epochs"

    @property
    def on_cuda(self) -> bool:
        return self.device.startswith("cuda")

    def spec(self) -> RunSpec:
        """The run as the product knows it: from scratch, everything trains, Adam."""
        return RunSpec.model_validate(
            {
                "source": None,
                "target": {"task": "cifar10", "size": self.train, "label_noise": 0.2},
                "model": self.model.model_dump(),
                "train": {"epochs": self.epochs, "batch_size": self.batch, "precision": self.precision},
                "seed": self.seed,
            }
        )


class Timing(NamedTuple):
    """Seconds at the end of each epoch on the machine's own clock; the last epoch's errors and train loss."""

    stamps: tuple[float, ...]
    test_error: float
    train_error: float
    train_loss: float


@dataclass
class Clock:
    """Reads the time when the device has done all that was asked of it."""

    setting: Setting
    stamps: list[float] = field(default_factory=list)

    def tick(self) -> None:
        if self.setting.on_cuda:
            torch.cuda.synchronize()
        self.stamps.append(time.perf_counter())


def rate(setting: Setting, timing: Timing) -> float:
    """Training images per second, evaluation of the whole train and test sets after each epoch included."""
    return setting.train * (len(timing.stamps) - 1) / (timing.stamps[-1] - timing.stamps[0])


def data_of(setting: Setting) -> TaskData:
    """Random images in the shape and number of CIFAR-10's, on the CPU: what they show changes no time."""
    generator = torch.Generator().manual_seed(setting.seed)
    side, channels = setting.model.image_size, setting.model.channels
    true = torch.arange(setting.train) % CLASSES
    flipped = torch.rand(setting.train, generator=generator) < 0.2
    return TaskData(
        inputs=torch.randn(setting.train, channels, side, side, generator=generator),
        labels=torch.where(flipped, (true + 1) % CLASSES, true),
        true_labels=true,
        flipped=flipped,
        test_inputs=torch.randn(setting.test, channels, side, side, generator=generator),
        test_labels=torch.arange(setting.test) % CLASSES,
        classes=CLASSES,
        class_names=tuple(str(number) for number in range(CLASSES)),
        black=0.0,
        digest=hashlib.sha256(f"synthetic {setting.train} {setting.test} {side} {setting.seed}".encode()).hexdigest(),
    )


def tiny(setting: Setting) -> Setting:
    """The same measurement, small enough for a test on a CPU. Its figures say nothing."""
    return replace(setting, train=64, test=32, batch=16, epochs=2, loader_workers=1)


def spread(values: Sequence[float], form: str = ".2f", unit: str = "") -> str:
    """`median unit (least-most, n=...)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}}{unit} ({low:{form}}-{high:{form}}, n={len(values)})"


def machine(device: str) -> str:
    """Hardware and versions, one line."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.split(": ", 1)[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        pass
    gpu = ""
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(device)
        gpu = f"{device_name(torch.device(device))}, {properties.total_memory / 2**30:.0f} GiB, "
        gpu += f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, "
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "pytorch-lightning", "timm"))
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    return f"{gpu}{processor}, {os.cpu_count()} cores, {load}, Python {platform.python_version()}, {packages}"
