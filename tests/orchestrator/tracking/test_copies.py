"""Which copies of W&B runs are removed, by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.tracking.copies import remove_all, remove_since

ID = "ab" * 10
NOW = "20260101_120000"
COPIES = [
    f"offline-run-20251231_120000-{ID}-1",
    f"offline-run-{NOW}-{ID}-2",
    f"run-20251231_120000-{ID}-2",
    f"run-{NOW}-{ID}-2",
    f"run-{NOW}-{'cd' * 10}-2",
    f"offline-run-{NOW}-sweep-a",
    f"offline-run-{NOW}-sweep-a-b",
    f"offline-run-{NOW}-sweep-b",
    "published",
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in COPIES:
        (tmp_path / name).mkdir()
    return tmp_path


def removed(runs: Path) -> set[str]:
    return set(COPIES) - {path.name for path in runs.iterdir()}


@pytest.mark.parametrize("offline", [True, False])
def test_what_an_attempt_began_is_removed_and_not_the_other_kind_of_the_same_second(runs: Path, offline: bool) -> None:
    remove_since(runs, f"{ID}-2", NOW, offline, whole_too=True)
    assert removed(runs) == {f"{'offline-' * offline}run-{NOW}-{ID}-2"}


def test_all_attempts_at_a_run_are_removed_but_for_one(runs: Path) -> None:
    remove_all(runs, rf"{ID}-\d+", but=runs / COPIES[1])
    assert removed(runs) == {COPIES[0], COPIES[2], COPIES[3]}


def test_another_sweep_whose_name_begins_or_ends_alike_keeps_its_copy(runs: Path) -> None:
    remove_all(runs, "sweep-a")
    remove_all(runs, "b")
    assert removed(runs) == {f"offline-run-{NOW}-sweep-a"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    remove_all(tmp_path / "none", ".*")
