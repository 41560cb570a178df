"""Random crops and flips of a whole batch at once, on the device that holds it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from sweeps.seeds import Role
from tasks.streams import stream

Augmentation = Literal["none", "crop_flip"]


def augment(
    inputs: Tensor, kind: Augmentation, seed: int, role: Role, epoch: int, step: int, *, fill: float = 0.0
) -> Tensor:
    """A batch (N, C, H, W) under random transformations, a new tensor unless `kind` is `none`.

    `crop_flip`: padded on each side by an eighth of its height (4 pixels at 32) with `fill`, cropped back at
    a random place, mirrored left to right with probability 1/2; each sample draws its own. The draws depend
    on (seed, role, epoch, step) and the place in the batch only, and are made on the CPU: every device gets
    the same crops. `TaskData.black` is the `fill` that looks like empty background.
    """
    if kind == "none":
        return inputs
    if kind != "crop_flip":
        raise ValueError(f"augment {kind!r}: allowed are none, crop_flip")
    samples, channels, height, width = inputs.shape
    margin = max(1, height // 8)
    draws = torch.from_numpy(stream(seed, role, "augment", (epoch << 32) + step).random((samples, 3)))
    places = 2 * margin + 1
    down, right = (draws[:, :2] * places).long().to(inputs.device).T
    mirrored = (draws[:, 2] < 0.5).to(inputs.device)
    columns = torch.arange(width, device=inputs.device)
    columns = torch.where(mirrored[:, None], columns.flip(0), columns) + right[:, None]
    rows = torch.arange(height, device=inputs.device) + down[:, None]
    sample = torch.arange(samples, device=inputs.device)[:, None, None, None]
    channel = torch.arange(channels, device=inputs.device)[None, :, None, None]
    padded = pad(inputs, (margin,) * 4, value=fill)
    return padded[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]
