"""Intervals cover what they say: a reduced run of `python -m analysis.scoring.coverage`."""

from __future__ import annotations

import pytest

from analysis.scoring.coverage import epochs, means, short_axis, table


def test_intervals_of_means_are_exact():
    for rate in means(20_000, 1).values():
        assert 0.945 <= rate.value <= 0.955


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_on_a_short_axis(seeds: int):
    found = short_axis(300, seeds, 2)
    assert found.pop("read").value >= 0.97
    assert any(name.startswith("place") for name in found) == (seeds >= 3)
    assert min(rate.value for rate in found.values()) >= 0.90


@pytest.mark.parametrize("sharp", [False, True])
def test_intervals_on_epochs(sharp: bool):
    found = epochs(100, 4, 3, sharp=sharp)
    kept = {name: rate.value for name, rate in found.items() if not (sharp and name.startswith("place"))}
    assert min(kept.values()) >= 0.88


def test_table_says_none_where_there_is_no_interval():
    text = "\n".join(table("axis", {"2": short_axis(5, 2, 1), "3": short_axis(5, 3, 1)}))
    assert "place, peak | none |" in text
