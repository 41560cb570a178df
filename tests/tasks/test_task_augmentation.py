"""Crops and flips: their geometry on known images, and the same for every device and resumption."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn.functional import pad

from sweeps.seeds import Role
from tasks import augment


def known(samples: int = 64, channels: int = 1, side: int = 16) -> torch.Tensor:
    """The same image many times, every pixel of it a different number above 0."""
    image = torch.arange(1, channels * side * side + 1, dtype=torch.float32).view(1, channels, side, side)
    return image.expand(samples, -1, -1, -1)


@pytest.mark.parametrize(("side", "margin", "channels"), [(8, 1, 1), (16, 2, 3), (32, 4, 1)])
def test_every_result_is_a_crop_of_the_padded_image_perhaps_mirrored(side: int, margin: int, channels: int) -> None:
    inputs = known(600, channels, side)
    made = augment(inputs, "crop_flip", 0, "target", 3, 5, fill=-7.0)
    assert made.shape == inputs.shape
    padded = pad(inputs[0], (margin,) * 4, value=-7.0)
    places = product(range(2 * margin + 1), repeat=2)
    crops = [padded[:, down : down + side, right : right + side] for down, right in places]
    possible = torch.stack([crop.flip(-1) if mirrored else crop for crop in crops for mirrored in (False, True)])
    equal = (made[:, None] == possible[None]).flatten(2).all(-1)
    assert (equal.sum(1) == 1).all(), "each result is exactly one of the possible ones"
    if margin <= 2:
        assert equal.any(0).all(), "and every possible one occurs"


def test_flips_are_about_half() -> None:
    made = augment(known(1000), "crop_flip", 1, "source", 0, 0)
    mirrored = (made[:, 0, 8, 5] > made[:, 0, 8, 6]).sum()
    assert 420 < mirrored < 580


def test_draws_repeat_and_differ_by_step_epoch_role_and_seed() -> None:
    def made(seed: int = 0, role: Role = "target", epoch: int = 0, step: int = 0) -> bytes:
        return augment(known(), "crop_flip", seed, role, epoch, step).numpy().tobytes()

    assert made() == made()
    assert len({made(), made(seed=1), made(role="source"), made(epoch=1), made(step=1), made(epoch=2, step=1)}) == 6


def test_none_returns_the_inputs_and_crops_leave_them_alone() -> None:
    inputs = known().clone()
    assert augment(inputs, "none", 0, "target", 0, 0) is inputs
    augment(inputs, "crop_flip", 0, "target", 0, 0)
    assert torch.equal(inputs, known())


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed are none, crop_flip"):
        augment(known(), "mixup", 0, "target", 0, 0)  # pyright: ignore
