"""What training and evaluation read, from memory and from prepared arrays."""

from __future__ import annotations

import numpy as np
import torch

from orchestrator.train.inputs import Inputs
from tasks.dataset import Pixels
from tasks.images import Form, MappedImages

FORM = Form(channels=1, side=8, mean=0.5, std=0.25)


def mapped(samples: int) -> MappedImages:
    array = np.random.default_rng(0).integers(0, 256, (samples, 1, 8, 8), dtype=np.uint8)
    return MappedImages(Pixels(array, np.arange(samples), 0.5, 0.25), FORM)


def test_evaluation_of_images_on_disk_has_one_pass_in_memory_at_a_time() -> None:
    train, test = mapped(50), mapped(23)
    inputs = Inputs(0, (train,), (test,), most=10)  # pyright: ignore[reportArgumentType]
    read: list[int] = []
    whole = inputs._both

    def counted(chunk: slice) -> tuple[torch.Tensor, ...]:
        read.append(chunk.stop - chunk.start)
        return whole(chunk)

    inputs._both = counted  # pyright: ignore[reportAttributeAccessIssue]
    for number, (images,) in enumerate(inputs.chunks, start=1):
        assert len(read) == number and len(images) == read[-1] <= 10
    assert sum(read) == 73 and inputs.bytes == 73 * 8


def test_passes_from_disk_are_those_from_memory() -> None:
    train, test = mapped(50), mapped(23)
    there = Inputs(0, (train[0:50],), (test[0:23],), most=10)
    from_disk = Inputs(0, (train,), (test,), most=10)  # pyright: ignore[reportArgumentType]
    for one, two in zip(there.chunks, from_disk.chunks, strict=True):
        assert torch.equal(one[0], two[0])
