"""Rules that span sections hold however a run's sections came together, and of no run that the filter drops."""

from __future__ import annotations

from typing import Any

import pytest

from architectures import ladder_length
from orchestrator.schedule.vocabulary import RULES, KnownWords
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.spec import RunSpec
from sweeps.sweep import SweepSpec, overlay
from tests.orchestrator.small_runs import small

BASE = small().model_dump(exclude={"transfer", "seed"})
DENSENET = {"family": "densenet", "depth": 10, "width": 4}
LONG = {"epochs": 7}
"""What the example rule allows only where the head alone trains."""


def only_the_head_trains_longer(run: RunSpec) -> None:
    """An example that needs three sections."""
    last = ladder_length(run.model) - 1
    if run.train.epochs > 5 and run.transfer.frozen != last:
        raise ValueError(f"train.epochs = {run.train.epochs}: allowed with transfer.frozen = {last}: at most 5")


WORDS = KnownWords((*RULES, only_the_head_trains_longer))


def runs(**sweep: Any) -> list[RunSpec]:
    return list(expand(SweepSpec.model_validate({"name": "a", "base": BASE, **sweep}), WORDS).values())


SWEEPS: dict[str, dict[str, Any]] = {
    "base": {"base": overlay(BASE, {"train": LONG})},
    "one axis": {"axes": {"train.epochs": [3, 7]}},
    "two axes": {"axes": {"train.epochs": [3, 7], "transfer.frozen": [7, 6]}},
    "axes of sections": {"axes": {"train": [LONG], "transfer": [{"frozen": 7}, {"frozen": 2}]}},
    "all": {"base": overlay(BASE, {"train": LONG}), "axes": {"transfer.frozen": "all"}},
    "all, in the base": {"base": overlay(BASE, {"train": LONG, "transfer": {"frozen": "all"}})},
    "a block's base": {"axes": {"transfer.frozen": [3]}, "blocks": [{"base": {"train": LONG}}]},
    "a block's axes": {"blocks": [{"axes": {"train.epochs": [7]}}]},
    "another network": {
        "base": overlay(BASE, {"train": LONG}),
        "axes": {"transfer.frozen": [7, 4], "model": [{}, DENSENET]},
        "where": "transfer.frozen == 7 and model.family == 'resnet' or transfer.frozen == 4",
    },
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_combination_is_refused_wherever_it_arises(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        runs(**SWEEPS[name])
    said = str(caught.value)
    assert "train.epochs = 7: allowed with transfer.frozen = 7: at most 5; first in the run resnet8-w4_" in said
    assert said.startswith("blocks.0: ") == name.startswith("a block")
    assert "\n" not in said and len(said) < 250


@pytest.mark.parametrize("name", SWEEPS)
def test_a_combination_that_the_filter_drops_is_not_refused(name: str) -> None:
    blocks = [*SWEEPS[name].get("blocks", []), KEPT]
    axes = SWEEPS[name].get("axes", {})
    left = runs(**{**SWEEPS[name], "axes": axes, "blocks": blocks, "where": ALLOWED})
    assert left and all(run.train.epochs <= 5 or run.transfer.frozen == ladder_length(run.model) - 1 for run in left)


KEPT = {"base": {"train": {"epochs": 1}, "transfer": {"frozen": 0}}, "axes": {}}
ALLOWED = (
    "train.epochs <= 5 or model.family == 'resnet' and transfer.frozen == 7 "
    "or model.family == 'densenet' and transfer.frozen == 4"
)


def test_every_kept_run_is_asked_and_no_other() -> None:
    asked: list[tuple[int, int]] = []
    words = KnownWords((lambda run: asked.append((run.transfer.frozen, run.seed)),))
    axes = {"transfer.frozen": "all", "seed": "0..3"}
    sweep = SweepSpec.model_validate({"name": "a", "base": BASE, "axes": axes, "where": "seed > 1"})
    found = expand(sweep, words)
    assert asked == [(run.transfer.frozen, run.seed) for run in found.values()]
    assert len(asked) == 8 * 2


def test_a_depth_beyond_its_network_is_refused_with_the_run() -> None:
    with pytest.raises(SpecError) as caught:
        runs(axes={"model": [{}, DENSENET], "transfer.frozen": [7]})
    assert str(caught.value) == (
        "transfer.frozen = 7: allowed 0 to 4 (the network has 5 units, the last of which, its head, always trains); "
        "first in the run densenet10-w4_glyphs-A-D-40_digits-60_frozen7_seed0"
    )
    assert len(runs(axes={"model": [{}, DENSENET], "transfer.frozen": [4, 7]}, where=WITHIN)) == 3


WITHIN = "transfer.frozen < 5 or model.family == 'resnet'"
