"""`status --watch`: every look is shown until all is done, and looking takes a tenth of the time at most."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.cli import main
from orchestrator.screen.watching import watch
from tests.docs.screen import Screen

LOOKS = [
    (["letters: 1 of 3 runs done", "  to do: two runs of a sweep with a line too long for it"], False),
    (["letters: 3 of 3 runs done"], True),
]


def watched(terminal: bool, looking: float = 0.0) -> tuple[str, list[float]]:
    looks, slept, now = iter(LOOKS), [], [0.0]

    def look() -> tuple[Sequence[str], bool]:
        now[0] += looking
        return next(looks)

    console = Console(file=io.StringIO(), width=40, force_terminal=terminal, color_system=None)
    watch(look, 2.0, console, slept.append, lambda: now[0])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), slept


def test_without_a_terminal_each_look_is_lines() -> None:
    told, slept = watched(terminal=False)
    assert told.splitlines() == [*LOOKS[0][0], "", *LOOKS[1][0]]
    assert slept == [2.0]


def test_a_terminal_has_one_screen_whose_lines_wrap() -> None:
    told, _ = watched(terminal=True)
    screen = Screen(40)
    screen.feed(told.replace("\n", "\r\n"))
    assert screen.lines() == ["letters: 3 of 3 runs done"]
    assert "to do: two runs of a sweep with a" in told


def test_a_store_that_is_slow_to_read_is_read_less_often() -> None:
    assert watched(terminal=False, looking=3.0)[1] == [pytest.approx(30.0)]


def test_watching_goes_with_no_other_kind_of_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "quickstart", "--watch", "--json", "--store", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "--watch goes with neither --json nor --failed" in told.err
