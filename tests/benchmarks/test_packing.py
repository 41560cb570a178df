"""The ratio of packed runs is taken within a round, over the same number of cores."""

from __future__ import annotations

import pytest

from benchmarks import packing
from benchmarks.gpu.setting import TINY, Setting


def test_cores_are_shared_out_and_rounds_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def aggregate(setting: Setting, runs: int) -> float:
        asked.append((runs, setting.threads))
        return 30.0 * runs if runs > 1 else 20.0

    monkeypatch.setattr(packing, "aggregate", aggregate)
    assert packing.ratios(Setting(TINY["vit 2x16"]), cores=4, rounds=2) == [6.0, 6.0]
    assert asked == [(1, 4), (4, 1), (4, 1), (1, 4)]
