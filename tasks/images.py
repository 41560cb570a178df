"""From the images of any data set to what a network reads. The rules on size, colour and scale are here alone.

Size: an image that has another size is brought to the network's with a bilinear filter, widened where it shrinks
(antialiasing). Colour: three channels become one by their luminance (ITU-R BT.601), one is repeated over three. Scale:
the mean and standard deviation of all training pixels of the data set, one of each for all channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from tasks.dataset import Pixels

LUMINANCE = (0.299, 0.587, 0.114)
"""Grey from red, green and blue, ITU-R BT.601."""
CHUNK_BYTES = 2**20
"""Of float32 that are made at a time: what stays in a core's cache."""


class Form(NamedTuple):
    """What a network reads: (channels, side, side), standardised with a data set's mean and standard deviation."""

    channels: int
    side: int
    mean: float
    std: float


def standardised(images: np.ndarray, form: Form) -> Tensor:
    """Images float32 (N, C, H, W) in [0, 1] -> float32 (N, channels, side, side). Vectors (N, D) keep their shape."""
    if images.ndim == 2:
        return (torch.from_numpy(images) - form.mean) / form.std
    return _repeated((_sized(torch.from_numpy(images), form) - form.mean) / form.std, form)


def from_bytes(images: np.ndarray, form: Form) -> Tensor:
    """Images uint8 (N, C, H, W) -> float32 (N, channels, side, side): the bits of `standardised(images / 255, form)`.

    An image's bits do not depend on those that are converted with it.
    """
    # Every step in place: fresh memory costs more time than the arithmetic.
    inputs = _sized(torch.from_numpy(images).to(torch.float32).div_(255), form)
    return _repeated(inputs.sub_(form.mean).div_(form.std), form)


def in_memory(pixels: Pixels, form: Form) -> Tensor:
    """All rows of a prepared array, float32 (n, channels, side, side)."""
    inputs = torch.empty((len(pixels.rows), form.channels, form.side, form.side))
    for rows in _chunks(pixels):
        inputs[rows] = from_bytes(_taken(pixels, rows), form)
    return inputs


class MappedImages:
    """Images that stay in their prepared array; what is asked for is read, converted and sent to the device.

    It stands where a tensor of inputs does: `images[index]` and `images[2:5]` are float32 tensors on `device`, the same
    bits as of `in_memory`. `nbytes` counts what it holds in memory: the places of its rows.
    """

    dtype = torch.float32

    def __init__(self, pixels: Pixels, form: Form, device: torch.device | str = "cpu") -> None:
        self.pixels = pixels
        self.nbytes = pixels.rows.nbytes
        self.form = form
        self.device = torch.device(device)
        self.shape = torch.Size((len(pixels.rows), form.channels, form.side, form.side))

    def __len__(self) -> int:
        return len(self.pixels.rows)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        where = index if isinstance(index, slice) else index.cpu().numpy()
        return from_bytes(_taken(self.pixels, where), self.form).to(self.device)

    def to(self, device: torch.device | str) -> MappedImages:
        return MappedImages(self.pixels, self.form, device)


def digest_parts(pixels: Pixels, form: Form) -> Iterator[bytes]:
    """What identifies the inputs made of these rows, in pieces: how they are made, then their bytes in the array."""
    shape = (len(pixels.rows), *pixels.array.shape[1:])
    said = f"uint8 {shape} channels {form.channels} side {form.side} mean {form.mean!r} std {form.std!r}\n"
    yield said.encode()
    for rows in _chunks(pixels):
        yield _taken(pixels, rows).tobytes()


def _taken(pixels: Pixels, where: slice | np.ndarray) -> np.ndarray:
    """Rows of the array, copied into memory: uint8, contiguous."""
    return np.take(pixels.array, pixels.rows[where], axis=0)


def _chunks(pixels: Pixels) -> list[slice]:
    each = max(1, CHUNK_BYTES // (4 * int(np.prod(pixels.array.shape[1:]))))
    return [slice(start, start + each) for start in range(0, len(pixels.rows), each)]


def _sized(inputs: Tensor, form: Form) -> Tensor:
    """Of the network's size; of one channel where that is what it reads."""
    if inputs.shape[1] == 3 and form.channels == 1:
        inputs = (inputs * torch.tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)
    side = (form.side, form.side)
    if inputs.shape[2:] != side:
        inputs = interpolate(inputs, side, mode="bilinear", antialias=True, align_corners=False)
    return inputs


def _repeated(inputs: Tensor, form: Form) -> Tensor:
    return inputs.repeat(1, form.channels, 1, 1) if inputs.shape[1] < form.channels else inputs
