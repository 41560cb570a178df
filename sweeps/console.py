"""Text for a terminal: lines that wrap at words, and the command that comes next. Values for what reads JSON.

Where standard output is no terminal nothing is wrapped and no next command is named: what reads it is a program.
"""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Any, TextIO

from sweeps.errors import command_line, printable

NARROWEST = 20
"""Columns below which lines are not made narrower."""


def columns(stream: TextIO | None = None) -> int | None:
    """Width of the terminal that the stream is, standard output by default; None where it is none."""
    if not _is_terminal(sys.stdout if stream is None else stream):
        return None
    return max(NARROWEST, shutil.get_terminal_size().columns)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def somebody_sits_there() -> bool:
    """Whether a question can be asked: standard input and output are a terminal."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def wrapped(text: str, width: int | None, indent: str = "", hang: str = "  ") -> list[str]:
    """The text as lines of at most `width` columns, broken between words; a longer word is broken where it must be.

    indent: before each line; hang: before all but the first, after the indent. Without a width one line. Control
    characters stand as their escapes.
    """
    text = printable(text)
    if width is None or len(indent) + len(text) <= width:
        return [indent + text]
    found = textwrap.wrap(
        text, max(width, NARROWEST), initial_indent=indent, subsequent_indent=indent + hang, break_on_hyphens=False
    )
    return found or [indent]


def say(text: str, indent: str = "", hang: str = "  ") -> None:
    """Print a line, wrapped where it is wider than the terminal."""
    for line in wrapped(text, columns(), indent, hang):
        print(line)


def say_lines(lines: Iterable[str]) -> None:
    """Print lines; a part of one that wraps stands under the line's own indentation."""
    for line in lines:
        text = line.lstrip(" ")
        say(text, line[: len(line) - len(text)])


def say_next(*words: object, why: str = "") -> None:
    """`next: frostline summary quickstart`, on a terminal alone. why: what the command does, after it."""
    if columns() is not None:
        say(f"next: {command_line(*words)}{f'  ({why})' if why else ''}")


def for_json(value: Any) -> Any:
    """The same, with None for each number that is not finite: JSON has none. Tuples become lists."""
    if isinstance(value, dict):
        return {key: for_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
