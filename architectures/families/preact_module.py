"""The pre-activation ResNet as a torch module. Imported when one is made, never by a plan."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class PreActBlock(nn.Module):
    """Two 3x3 convolutions, a norm and a ReLU before each (He et al. 2016, arXiv:1603.05027, figure 1b).

    Where the shape changes, the shortcut is a 1x1 convolution of the first activation. Input (N, inputs, S, S), output
    (N, outputs, S / stride, S / stride).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        changes = stride != 1 or inputs != outputs
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def first(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(shortcut, what the second half reads)."""
        active = self.norm1(x).relu()
        return x if self.downsample is None else self.downsample(active), self.conv1(active)

    def second(self, shortcut: Tensor, x: Tensor) -> Tensor:
        return self.conv2(self.norm2(x).relu()) + shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.second(*self.first(x))


class PreActResNet(nn.Module):
    """A 3x3 convolution, stages of blocks, a last norm and ReLU, the mean over pixels, a head once there is one.

    channels: of each stage; every stage but the first halves the side. blocks: how many in each.
    """

    def __init__(self, channels: Sequence[int], blocks: Sequence[int], in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels[0], 3, padding=1, bias=False)
        inputs = channels[0]
        self.stages = nn.Sequential()
        for stage, (outputs, count) in enumerate(zip(channels, blocks, strict=True)):
            made = nn.Sequential()
            for block in range(count):
                made.append(PreActBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
            self.stages.append(made)
        self.norm = nn.BatchNorm2d(inputs)
        self.fc: nn.Module = nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def last(self, x: Tensor) -> Tensor:
        """The last norm and ReLU."""
        return self.norm(x).relu()

    def forward_head(self, x: Tensor) -> Tensor:
        return self.fc(x.mean((2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.last(self.stages(self.conv1(x))))
