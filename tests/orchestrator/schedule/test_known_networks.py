"""Words of a sweep that are refused: one line names the field, the value and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.schedule.vocabulary import KnownWords
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.sweep import SweepSpec, overlay

BASE: dict[str, Any] = {
    "source": {"task": "glyphs[A-Z]", "size": 100},
    "target": {"task": "digits", "size": 100},
    "model": {"family": "resnet", "depth": 10, "width": 8},
}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"family": "resnet18"}, "model.family = 'resnet18': allowed: 'resnet', 'preact_resnet', 'densenet'"),
        ({"family": "x" * 150}, f"model.family = '{'x' * 76}...: allowed: 'resnet', 'preact_resnet', 'densenet'"),
        ({"depth": 19}, "model: depth 19 is no resnet; allowed: 8, 10, 14, 18"),
        ({"family": "vit", "depth": 4, "width": 30}, "model.width = 30: allowed with the family vit: multiples of 4"),
    ],
)
@pytest.mark.parametrize("place", ["", "blocks.0: "])
def test_a_network_that_there_is_not(model: dict[str, Any], said: str, place: str) -> None:
    base = overlay(BASE, {"model": model})
    sweep = SweepSpec.model_validate(
        {"name": "a", "blocks": [{"base": base}]} if place else {"name": "a", "base": base}
    )
    with pytest.raises(SpecError) as caught:
        expand(sweep, KnownWords())
    assert str(caught.value).startswith(f"{place}{said}")
    assert "\n" not in str(caught.value)


def test_a_depth_beyond_the_ladder() -> None:
    sweep = SweepSpec.model_validate({"name": "a", "base": BASE, "axes": {"transfer.frozen": [3, 10]}})
    with pytest.raises(SpecError, match=r"transfer\.frozen = 10: allowed 0 to 9"):
        expand(sweep, KnownWords())


def test_all_is_every_unit_of_the_ladder() -> None:
    sweep = SweepSpec.model_validate({"name": "a", "base": BASE, "axes": {"transfer.frozen": "all"}})
    assert [run.transfer.frozen for run in expand(sweep, KnownWords()).values()] == list(range(10))
