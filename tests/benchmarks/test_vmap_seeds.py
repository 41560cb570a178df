"""Seeds in one batched program learn what they learn one after the other, statistics of norms included."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks import vmap_seeds
from benchmarks.vmap_seeds import Batches, batched, batches, compare, serial
from sweeps.spec import ModelSpec

MODELS = [
    ModelSpec(family="resnet", depth=8, width=4),
    ModelSpec(family="densenet", depth=10, width=4),
    ModelSpec(family="vit", depth=2, width=16),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)
def test_each_seed_ends_where_it_ends_alone(model: ModelSpec) -> None:
    given = batches(model, seeds=3, steps=4, size=16)
    apart, together = serial(model, given), batched(model, given)
    assert torch.allclose(together.losses, apart.losses, rtol=1e-4, atol=0)
    assert apart.losses.unique().numel() == 3  # the seeds differ, so that a mix-up would be seen
    longer = serial(model, Batches(given.images[:1], given.labels[:1]))
    assert not torch.allclose(longer.losses, apart.losses, rtol=1e-3)  # and so do the steps


def test_a_comparison_has_a_ratio_for_each_round() -> None:
    found = compare(MODELS[0], seeds=2, steps=2, size=8, rounds=2)
    assert len(found.ratios) == 2 and min(found.ratios) > 0
    assert 0 <= found.difference < 1e-4


def test_the_command_names_what_it_compares(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmap_seeds, "NETWORKS", {"small": MODELS[2]})
    vmap_seeds.main(rounds=1, steps=1, seeds=2, all_cores=False, network=None)
    first, second = capsys.readouterr().out.splitlines()
    assert "torch" in first
    assert second.startswith("small, 2 seeds: one core ") and "final losses differ by" in second
