"""One role's data as tensors, ready for a network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sweeps.seeds import Role
from sweeps.spec import LabelledSet, ModelSpec, RunSpec
from tasks.checks import available
from tasks.noise import noisy_labels

LUMINANCE = (0.299, 0.587, 0.114)
"""Grey from red, green and blue, ITU-R BT.601."""


@dataclass(frozen=True, eq=False)
class TaskData:
    """What a network trains and is tested on.

    inputs (N, C, H, W) float32, standardised with the task's fixed constants; labels (N,) int64 as given,
    noise included; true_labels (N,) int64; flipped (N,) bool, where the two differ; test_inputs (M, C, H, W);
    test_labels (M,) int64, always clean. `black` is the standardised value of an empty pixel, to pad crops
    with. `digest` is SHA-256 over names, types, shapes and bytes of all tensors.
    """

    inputs: Tensor
    labels: Tensor
    true_labels: Tensor
    flipped: Tensor
    test_inputs: Tensor
    test_labels: Tensor
    classes: int
    class_names: tuple[str, ...]
    black: float
    digest: str

    def to(self, device: torch.device | str) -> TaskData:
        """The same data on a device."""
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {name: value.to(device) for name, value in moved.items() if isinstance(value, Tensor)}
        return replace(self, **tensors)


def source_data(spec: RunSpec) -> TaskData:
    """The source's data. They depend on `spec.source`, the model's image size and channels, and the seed alone.

    Raises ValueError where the run has no source, or where its data do not exist (see `tasks.check`).
    """
    if spec.source is None:
        raise ValueError("source is null: this run starts from random weights and has no source data")
    return _task_data(spec.source, spec.model, "source", spec.seed_of("source"))


def target_data(spec: RunSpec) -> TaskData:
    """The target's data. They depend on `spec.target`, the model's image size and channels, and the seed alone.

    Raises ValueError where its data do not exist (see `tasks.check`).
    """
    return _task_data(spec.target, spec.model, "target", spec.seed_of("target"))


def _task_data(part: LabelledSet, model: ModelSpec, role: Role, seed: int) -> TaskData:
    task = available(role, part.task, part.size)
    dataset, classes = task.dataset, len(task.classes)
    images, true = dataset.train(task.classes, role, part.size, seed, model.image_size)
    test_images, test_labels = dataset.test(task.classes, model.image_size)
    given = noisy_labels(true, classes, part.label_noise, part.noise_kind, seed, role)
    tensors = {
        "inputs": _inputs(images, model, dataset.mean, dataset.std),
        "labels": torch.from_numpy(given),
        "true_labels": torch.from_numpy(true),
        "flipped": torch.from_numpy(given != true),
        "test_inputs": _inputs(test_images, model, dataset.mean, dataset.std),
        "test_labels": torch.from_numpy(test_labels),
    }
    return TaskData(
        **tensors,
        classes=classes,
        class_names=task.class_names,
        black=-dataset.mean / dataset.std,
        digest=_digest(tensors),
    )


def _inputs(images: np.ndarray, model: ModelSpec, mean: float, std: float) -> Tensor:
    """Images in [0, 1] of any size -> standardised inputs (N, channels, image_size, image_size)."""
    inputs = torch.from_numpy(images)
    if inputs.shape[1] == 3 and model.channels == 1:
        inputs = (inputs * torch.tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)
    side = (model.image_size, model.image_size)
    if inputs.shape[2:] != side:
        inputs = interpolate(inputs, side, mode="bilinear", antialias=True, align_corners=False)
    inputs = (inputs - mean) / std
    return inputs.repeat(1, model.channels, 1, 1) if inputs.shape[1] < model.channels else inputs


def _digest(tensors: dict[str, Tensor]) -> str:
    sha = hashlib.sha256()
    for name, tensor in tensors.items():
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.contiguous().numpy().data)
    return sha.hexdigest()
