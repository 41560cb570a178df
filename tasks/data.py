"""One role's data as tensors, ready for a network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor

from sweeps.seeds import Role
from sweeps.spec import LabelledSet, ModelSpec, RunSpec
from tasks.checks import available
from tasks.dataset import Dataset, Pixels
from tasks.images import Form, MappedImages, digest_parts, in_memory, standardised
from tasks.noise import noisy_labels


@dataclass(frozen=True, eq=False)
class TaskData:
    """What a network trains and is tested on.

    inputs (N, C, H, W) float32, standardised with the task's fixed constants; labels (N,) int64 as given,
    noise included; true_labels (N,) int64; flipped (N,) bool, where the two differ; test_inputs (M, C, H, W);
    test_labels (M,) int64, always clean. Inputs are tensors, or stay in the prepared array and are read batch by
    batch (`MappedImages`, typed as the tensor that it stands for). `black` is the standardised value of an empty pixel,
    to pad crops with. `signals` are those of the data set (tasks/dataset.py), float32 vectors by name, where they are
    known. `digest` is SHA-256 over names, types, shapes and bytes of all of it.

    Of a regression task the labels are targets: labels, true_labels (N, T) and test_labels (M, T) float32, `classes`
    is 0 and nothing is flipped. Of a task of vectors the inputs are (N, D). Where target samples are shifted forms of
    source samples, `paired_inputs` and `paired_labels` are those, in the order of `inputs`.
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
    signals: Mapping[str, Tensor] | None = None
    paired_inputs: Tensor | None = None
    paired_labels: Tensor | None = None

    @property
    def is_regression(self) -> bool:
        return self.labels.is_floating_point()

    @property
    def outputs(self) -> int:
        """How many outputs a network has: a logit a class, or the values of a target."""
        return self.labels.shape[1] if self.is_regression else self.classes

    @property
    def nbytes(self) -> int:
        """Of all that is in memory; images that stay in their prepared array count with the places of their rows."""
        return sum(value.nbytes for value in (*self._tensors().values(), *(self.signals or {}).values()))

    def to(self, device: torch.device | str) -> TaskData:
        """The same data on a device."""
        tensors = {name: value.to(device) for name, value in self._tensors().items()}
        signals = self.signals and {name: vector.to(device) for name, vector in self.signals.items()}
        return replace(self, **tensors, signals=signals)

    def _tensors(self) -> dict[str, Tensor | MappedImages]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor | MappedImages)}


def source_data(spec: RunSpec, most_bytes: int | None = None) -> TaskData:
    """The source's data. They depend on `spec.source`, the model's image size and channels, and the seed alone.

    Inputs of more than `most_bytes` are read batch by batch from the prepared array, where there is one.

    Raises ValueError where the run has no source, or where its data do not exist (see `tasks.check`).
    """
    if spec.source is None:
        raise ValueError("source is null: this run starts from random weights and has no source data")
    return _task_data(spec.source, spec.model, "source", spec.seed_of("source"), most_bytes)


def target_data(spec: RunSpec, most_bytes: int | None = None) -> TaskData:
    """The target's data. They depend on `spec.target`, the model's image size and channels, and the seed alone.

    Inputs of more than `most_bytes` are read batch by batch from the prepared array, where there is one.

    Raises ValueError where its data do not exist (see `tasks.check`).
    """
    return _task_data(spec.target, spec.model, "target", spec.seed_of("target"), most_bytes)


def _task_data(part: LabelledSet, model: ModelSpec, role: Role, seed: int, most_bytes: int | None) -> TaskData:
    task = available(role, part.task, part.size)
    dataset, classes = task.dataset, len(task.classes)
    images, true = dataset.train(task.classes, role, part.size, seed, model.image_size)
    test_images, test_labels = dataset.test(task.classes, model.image_size)
    form = _form(model, dataset, images)
    regression = dataset.targets is not None
    noise = None if regression else (part.label_noise, part.noise_kind)
    given = true if noise is None else noisy_labels(true, classes, *noise, seed, role)
    labels = {
        "labels": torch.from_numpy(given),
        "true_labels": torch.from_numpy(true),
        "flipped": torch.zeros(len(true), dtype=torch.bool) if regression else torch.from_numpy(given != true),
    }
    test = {"test_labels": torch.from_numpy(test_labels)}
    known = {} if dataset.signals is None else dataset.signals(model.image_size)
    signals = {name: torch.from_numpy(vector) for name, vector in known.items()}
    mapped = most_bytes is not None and _bytes(images, test_images, form) > most_bytes
    inputs, test_inputs = _inputs(images, form, mapped), _inputs(test_images, form, mapped)
    pairs = _pairs(dataset, role, part.size, seed, form)
    return TaskData(
        inputs=inputs,
        test_inputs=test_inputs,
        **labels,
        **test,
        classes=classes,
        class_names=task.class_names,
        black=-form.mean / form.std,
        signals=signals or None,
        **pairs,
        digest=_digest(
            {"inputs": (inputs, images), **labels, "test_inputs": (test_inputs, test_images), **test, **pairs}, form
        ),
    )


def _pairs(dataset: Dataset, role: Role, size: int, seed: int, form: Form) -> dict[str, Tensor]:
    """The source samples that training samples are shifted forms of, where the data set says so."""
    if dataset.paired is None:
        return {}
    images, labels = dataset.paired(role, size, seed)
    return {"paired_inputs": standardised(images, form), "paired_labels": torch.from_numpy(labels)}


def _form(model: ModelSpec, dataset: Dataset, images: np.ndarray | Pixels) -> Form:
    mean, std = dataset.mean, dataset.std
    if mean is None or std is None:
        assert isinstance(images, Pixels), "a data set without prepared arrays has a scale of its own"
        mean, std = images.mean, images.std
    return Form(model.channels, model.image_size, mean, std)


def _bytes(images: np.ndarray | Pixels, test_images: np.ndarray | Pixels, form: Form) -> int:
    """Of both sets as float32 inputs."""
    number = sum(len(part.rows) if isinstance(part, Pixels) else len(part) for part in (images, test_images))
    return 4 * number * form.channels * form.side**2


def _inputs(images: np.ndarray | Pixels, form: Form, mapped: bool) -> Tensor:
    """Standardised inputs (N, channels, image_size, image_size)."""
    if isinstance(images, np.ndarray):
        return standardised(images, form)
    return cast(Tensor, MappedImages(images, form)) if mapped else in_memory(images, form)


Part = Tensor | tuple[Tensor, np.ndarray | Pixels]


def _digest(parts: dict[str, Part], form: Form) -> str:
    """Rows of a prepared array count with their bytes there: the digest is the same wherever the inputs are."""
    sha = hashlib.sha256()
    for name, part in parts.items():
        tensor, images = part if isinstance(part, tuple) else (part, None)
        if isinstance(images, Pixels):
            sha.update(f"{name} ".encode())
            for piece in digest_parts(images, form):
                sha.update(piece)
        else:
            sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            sha.update(tensor.contiguous().numpy().data)
    return sha.hexdigest()
