"""What the shapes say of batch norm is what the networks do."""

from __future__ import annotations

from typing import get_args

import pytest
from torch import nn

from architectures import build, freeze, ladder_length, uses_batch_statistics
from architectures.shapes import BATCH_NORM
from sweeps.spec import Family, FrozenNorm, ModelSpec, TransferSpec

SMALLEST: dict[str, dict[str, int]] = {
    "resnet": {"depth": 8, "width": 4},
    "densenet": {"depth": 10, "width": 4},
    "vit": {"depth": 2, "width": 8},
}


def test_every_family_is_known() -> None:
    assert set(BATCH_NORM) == set(SMALLEST) == set(get_args(Family))


@pytest.mark.parametrize("norm", get_args(FrozenNorm))
@pytest.mark.parametrize("family", SMALLEST)
def test_a_training_network_takes_batch_statistics_where_it_is_said(family: Family, norm: FrozenNorm) -> None:
    model = ModelSpec.model_validate({"family": family, **SMALLEST[family]})
    for frozen in range(ladder_length(model)):
        network = build(model, classes=3, seed=0)
        freeze(network, frozen, norm)
        network.train()
        takes = any(isinstance(module, nn.BatchNorm2d) and module.training for module in network.modules())
        assert uses_batch_statistics(model, TransferSpec(frozen=frozen, norm=norm)) == takes, frozen
