"""The screen of a launch on 40, 80 and 200 columns: nothing is wider or cut, and every job can be told apart."""

from __future__ import annotations

import errno
import io
import os
import re
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.screen.view import View
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger
from sweeps.sweep import parse
from tests.docs.screen import Screen
from tests.orchestrator.small_runs import folder_of, opened, refused

SWEEP = """
name: a-sweep-with-a-long-name
base:
  source: {task: "glyphs[A-Z]", size: 3000}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 20}
axes:
  transfer.frozen: [0, 1, 2]
  train.learning_rate: [0.001, 0.01]
  seed: 0..2
"""


def screen(view: View, width: int, height: int = 30) -> list[str]:
    """What a terminal shows of it; no line is left to the terminal to break."""
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    shown = Screen(width)
    shown.feed(console.file.getvalue().replace("\n", "\r\n"))
    assert shown.broken() == []
    return shown.lines()


@pytest.fixture
def launched(tmp_path: Path) -> tuple[Agenda, Plan, Ledger]:
    """A launch whose sources are trained, with four runs handed out, three of them begun."""
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    agenda = Agenda(plan, dict.fromkeys([*plan.sources, *plan.runs], 1.0), workers=4)
    while agenda.remaining_cost({}) > len(plan.runs):
        job = agenda.take()
        assert job is not None and job.kind == "source"
        agenda.end(job, "done")
    return agenda, plan, ledger


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_cut_and_jobs_differ(launched: tuple[Agenda, Plan, Ledger], width: int) -> None:
    agenda, plan, ledger = launched
    view = View(agenda, plan, ledger)
    taken = [job for _ in range(4) if (job := agenda.take()) is not None]
    leases = [ledger.claim(job) for job in taken[:3]]
    view.look()
    lines = screen(view, width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert "a-sweep-with-a-long-name: 0 of 18 runs done" in text
    assert "elapsed" in text and "left" in text and "3 running, 15 waiting" in text
    (bar,) = [line for line in lines if set(line) <= set("━╸╺")]  # on a line of its own
    assert len(bar) == min(width, 80)
    shown = re.findall(r"frozen \d, learning_rate [\d.]+, seed \d", text)
    assert len(shown) == len(set(shown)) == 4 and not any("…" in line or "..." in line for line in lines)
    assert any("waits" in line for line in lines)
    for lease in leases:
        lease.release()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_failures_are_told_with_what_differs(launched: tuple[Agenda, Plan, Ledger], width: int) -> None:
    agenda, plan, ledger = launched
    view = View(agenda, plan, ledger)
    for number in range(5):
        for _ in range(MOST_ATTEMPTS):
            job = agenda.take()
            assert job is not None
            ledger.fail(job, ValueError(f"number {number} is [bold] wrong"))
            agenda.end(job, "failed")
    view.look()
    lines = screen(view, width)
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width and "5 failed" in text
    assert "number 4 is [bold] wrong" in text and "number 1 is" not in text  # the last three
    assert text.count("failed: frozen") == 3


def test_a_failure_that_cannot_be_read_just_now_is_told_and_read_at_the_next_look(
    launched: tuple[Agenda, Plan, Ledger],
) -> None:
    agenda, plan, ledger = launched
    view = View(agenda, plan, ledger)
    job = agenda.take()
    assert job is not None
    for _ in range(MOST_ATTEMPTS):
        ledger.fail(job, ValueError("what is wrong"))
        agenda.end(job, "failed")
        agenda.take()  # it comes again, until it has failed for good
    with refused(folder_of(ledger, job)):
        view.look()
        text = " ".join(screen(view, 200))
        assert os.strerror(errno.ELOOP) in text and "what is wrong" not in text
    view.look()
    assert "what is wrong" in " ".join(screen(view, 200))


def test_more_jobs_than_rows_are_counted(launched: tuple[Agenda, Plan, Ledger]) -> None:
    agenda, plan, ledger = launched
    for _ in range(18):
        agenda.take()
    lines = screen(View(agenda, plan, ledger), 80, height=12)
    assert len(lines) <= 12 and any(line.startswith("and 13 more") for line in lines)


def test_what_is_waited_for_is_said_until_something_runs(launched: tuple[Agenda, Plan, Ledger], tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path / "fresh")
    plan = make_plan(parse(SWEEP), ledger)
    agenda = Agenda(plan, dict.fromkeys([*plan.sources, *plan.runs], 1.0))
    view = View(agenda, plan, ledger)
    agenda.starting = "starting Ray"
    assert "starting Ray" in screen(view, 40) and view.line().endswith("; starting Ray")
    job = agenda.take()
    assert job is not None
    lease = ledger.claim(job)
    view.look()
    assert "starting Ray" not in view.line()
    lease.release()
    agenda.end(job, "done")
    assert "starting Ray" not in view.line()  # between two jobs
    agenda.notice = "no worker has started in 60 s"
    assert view.line().endswith("; no worker has started in 60 s")


def test_a_screen_that_is_drawn_anew_asks_the_store_nothing(
    launched: tuple[Agenda, Plan, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request to a bucket may cost money, and wait: `look` makes one round of them, as often as the store allows."""
    agenda, plan, ledger = launched
    view = View(agenda, plan, ledger)
    taken = [job for _ in range(4) if (job := agenda.take()) is not None]
    leases = [ledger.claim(job) for job in taken]
    asked: list[str] = []
    read = ledger.store.read
    monkeypatch.setattr(ledger.store, "read", lambda key: asked.append(key) or read(key))
    view.look()
    assert len(asked) == len(taken)
    for _ in range(10):
        assert "4 running" in " ".join(screen(view, 200)) and "4 running" in view.line()
    assert len(asked) == len(taken)
    for lease in leases:
        lease.release()


def test_what_cannot_be_read_just_now_stays_as_it_was(
    launched: tuple[Agenda, Plan, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    agenda, plan, ledger = launched
    view, job = View(agenda, plan, ledger), agenda.take()
    assert job is not None
    lease = ledger.claim(job)
    view.look()

    def refuses(key: str) -> bytes | None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(ledger.store, "read", refuses)
        view.look()
    assert "1 running" in view.line()
    lease.release()
