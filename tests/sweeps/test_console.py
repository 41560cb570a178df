"""Lines for a terminal: none is wider than it, words stay whole where they can, and no terminal means whole lines."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps import console
from sweeps.console import say, say_lines, say_next, wrapped


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.text(max_size=200), st.integers(20, 90), st.sampled_from(["", "  "]))
def test_no_line_is_wider_and_no_word_is_lost(text: str, width: int, indent: str) -> None:
    lines = wrapped(text, width, indent)
    assert max(map(len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(console.printable(text).split())


def test_words_stay_whole_and_parts_hang() -> None:
    assert wrapped("double descent along frozen units", 20, "  ") == [
        "  double descent",
        "    along frozen",
        "    units",
    ]
    assert wrapped("a" * 30 + " b", 20) == ["a" * 20, "  " + "a" * 10 + " b"]
    assert wrapped("one line, however long it may be", None, " ") == [" one line, however long it may be"]
    assert wrapped("\x1b[2J", None) == ["\\x1b[2J"]


def test_a_terminal_has_a_width_and_hears_what_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    assert console.columns() == 40
    say("a line that is longer than the forty columns that there are")
    say_lines(["  indented, and longer than the forty columns"])
    say_next("summary", "a sweep.yaml", why="its verdict")
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[:2] == ["a line that is longer than the forty", "  columns that there are"]
    assert lines[2:4] == ["  indented, and longer than the forty", "    columns"]
    assert " ".join(" ".join(lines[4:]).split()).endswith("summary 'a sweep.yaml' (its verdict)")
    assert lines[4].startswith("next:")


def test_without_a_terminal_lines_are_whole_and_nothing_is_next(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    say("a line that is longer than the forty columns that there are")
    say_next("summary", "quickstart")
    assert capsys.readouterr().out == "a line that is longer than the forty columns that there are\n"
    monkeypatch.setattr(sys, "stdout", None)  # `>&-`
    assert console.columns() is None and not console.somebody_sits_there()
