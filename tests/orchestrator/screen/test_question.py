"""A launch that takes long is asked about where a person sits there, and nowhere else."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.schedule.forecast import Forecast, forecast
from orchestrator.schedule.plan import make_plan
from orchestrator.screen import question
from orchestrator.screen.question import confirmed
from sweeps.errors import NOT_ALL_DONE
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened

SWEEP = """
name: question
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 1}
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def expected(tmp_path: Path) -> Forecast:
    ledger, _ = opened(tmp_path)
    found = forecast(make_plan(parse(SWEEP), ledger), 2)
    return replace(found, costs=found.costs._replace(total=found.costs.total._replace(seconds=7200.0)))


def seated(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    told = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stdout", told)
    return told


@pytest.mark.parametrize(
    ("answer", "launched"), [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_a_person_is_asked(expected: Forecast, monkeypatch: pytest.MonkeyPatch, answer: str, launched: bool) -> None:
    told = seated(monkeypatch, answer)
    assert confirmed(expected, 1.0, yes=False) is launched
    assert "2.0 h of device time" in told.getvalue().replace("\n  ", " ") and "[y/N]" in told.getvalue()


def test_nothing_is_asked_below_the_bound_with_yes_or_without_a_terminal(
    expected: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = seated(monkeypatch, "n\n")
    assert confirmed(expected, 3.0, yes=False) and confirmed(expected, 1.0, yes=True) and told.getvalue() == ""
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert confirmed(expected, 0.0, yes=False)


def test_a_launch_that_is_not_wanted_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    monkeypatch.setattr(question, "somebody_sits_there", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    monkeypatch.setattr(cli, "launch_log", None)  # nothing of a launch is touched
    arguments = ["run", str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store"), "--runner", "local"]
    assert cli.main([*arguments, "--ask-above", "0"]) == NOT_ALL_DONE
    told = capsys.readouterr().out
    assert told.endswith("nothing was launched\n") and "to do: 0 source models, 1 runs" in told
    assert not list((tmp_path / "store").glob("runs/*/*/result.json"))
