"""Convolutions as narrow networks compute them fastest on a CPU: `kernels: tuned`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

_SIDE = 2
"""Of the maps on which every output pixel of a 3x3 convolution reads every input pixel."""
_TAPS = torch.tensor(
    [
        3 * (row_in - row_out + 1) + column_in - column_out + 1
        for row_out in range(_SIDE)
        for column_out in range(_SIDE)
        for row_in in range(_SIDE)
        for column_in in range(_SIDE)
    ]
)
"""For each output pixel and input pixel, row by row: which of the nine weights joins them."""


class TunedConv2d(nn.Conv2d):
    """A convolution that trains; a frozen one computes as torch's own, whose bits depend least on the batch.

    On maps of 2x2 pixels a 3x3 convolution is a matrix product of 16 weights a channel pair in place of 36, 20 of
    which would meet padding. Others of few channels are trained channels last, and evaluated as they lie in memory.
    """

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight
        if not weight.requires_grad:
            return self._conv_forward(input, weight, self.bias)
        if input.shape[-2:] == (_SIDE, _SIDE) and self._joins_neighbours():
            return self._as_matrix(input)
        if self.training:
            weight = weight.contiguous(memory_format=torch.channels_last)
        return self._conv_forward(input, weight, self.bias)

    def _joins_neighbours(self) -> bool:
        """Whether it is 3x3, of stride 1, over a border of zeros."""
        ones = (1, 1)
        return (self.kernel_size, self.stride, self.padding, self.dilation, self.groups, self.padding_mode) == (
            (3, 3), ones, ones, ones, 1, "zeros"
        )  # fmt: skip

    def _as_matrix(self, input: Tensor) -> Tensor:
        """(N, C, 2, 2) to (N, K, 2, 2), channels last."""
        pixels, outputs, inputs = _SIDE**2, self.out_channels, self.in_channels
        taps = self.weight.permute(2, 3, 0, 1).reshape(9, outputs, inputs).index_select(0, _TAPS.to(input.device))
        joined = taps.view(pixels, pixels, outputs, inputs).transpose(1, 2)
        matrix = joined.reshape(pixels * outputs, pixels * inputs)
        flat = input.permute(0, 2, 3, 1).reshape(len(input), pixels * inputs)
        bias = None if self.bias is None else self.bias.repeat(pixels)
        return linear(flat, matrix, bias).view(len(input), _SIDE, _SIDE, outputs).permute(0, 3, 1, 2)


def tune_convolutions(net: nn.Module, channels_last_from: int) -> None:
    """Give a network's convolutions their tuned form. Those of `channels_last_from` outputs and more lie channels last.

    torch computes a convolution in the layout of its weights, and what follows keeps it.
    """
    for module in net.modules():
        if type(module) is nn.Conv2d:
            module.__class__ = TunedConv2d
            if module.out_channels >= channels_last_from:
                module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
