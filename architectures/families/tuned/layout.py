"""Where in memory a family's convolutions keep their channels under `kernels: tuned`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

CHANNELS_LAST_FROM = 16
"""Output channels. A vector of AVX-512 holds 16 float32 numbers; narrower convolutions are evaluated up to 1.6 times
slower channels last."""


def tuned(net: nn.Module, channels_last_from: int = CHANNELS_LAST_FROM) -> None:
    """Change how the convolutions of a network compute, not what, nor their parameters' names and values."""
    from architectures.families.tuned.convolution import tune_convolutions

    tune_convolutions(net, channels_last_from)
