"""What the shapes say of batch norm is what the networks do."""

from __future__ import annotations

from typing import get_args

import pytest
from torch import nn

from architectures import build, fixes_batch_norm, freeze, ladder_length, uses_batch_statistics
from sweeps.spec import FrozenNorm, ModelSpec, TransferSpec
from tests.architectures.small_networks import SMALL, classes_for, label


@pytest.mark.parametrize("norm", get_args(FrozenNorm))
@pytest.mark.parametrize("model", SMALL, ids=label)
def test_a_training_network_takes_batch_statistics_where_it_is_said(model: ModelSpec, norm: FrozenNorm) -> None:
    for frozen in range(ladder_length(model)):
        network = build(model, classes_for(model, 3), seed=0)
        freeze(network, frozen, norm)
        network.train()
        modes = {module.training for module in network.modules() if isinstance(module, nn.BatchNorm2d)}
        transfer = TransferSpec(frozen=frozen, norm=norm)
        assert uses_batch_statistics(model, transfer) == (True in modes), frozen
        assert fixes_batch_norm(model, transfer) == (False in modes), frozen
