"""Commands on a terminal of so many columns: what stands on its screen, whatever was drawn over."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROWS = 60
_ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Screen:
    """Rows of text as a terminal shows them: what is written, moved over, erased. Colours are left out.

    It knows what rich writes: cursor up and down, carriage return, erase line or below. Raises ValueError for more.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""
        self._continued: set[int] = set()

    def feed(self, text: str) -> None:
        text, at = self._rest + text, 0
        self._rest = ""
        while at < len(text):
            if text[at] == "\x1b":
                found = _ESCAPE.match(text, at)
                if found is None:
                    self._rest = text[at:]  # the rest of it is still to come
                    if len(self._rest) > 32:
                        raise ValueError(f"no escape sequence that is known: {self._rest[:32]!r}")
                    return
                self._control(found[1], found[2])
                at = found.end()
            else:
                self._put(text[at])
                at += 1

    def lines(self) -> list[str]:
        """The rows, without blanks at their ends and without empty rows at the end."""
        found = ["".join(row).rstrip() for row in self._rows]
        while found and not found[-1]:
            found.pop()
        return found

    def broken(self) -> list[str]:
        """The lines that were wider than the terminal, whole: it broke them wherever it was at its edge."""
        found: list[str] = []
        for row in sorted(self._continued):
            if row - 1 in self._continued and found:
                found[-1] += "".join(self._rows[row])
            elif row < len(self._rows):
                found.append("".join(self._rows[row - 1]) + "".join(self._rows[row]))
        return found

    def _control(self, given: str, letter: str) -> None:
        number = int(given) if given.isdigit() else 0
        if letter == "A":
            self._row = max(0, self._row - max(1, number))
        elif letter == "B":
            self._down(max(1, number))
        elif letter == "K":
            row = self._rows[self._row]
            del row[0 if number == 2 else self._column :]
            self._continued.discard(self._row)
        elif letter == "J":
            del self._rows[self._row + 1 :]
            self._continued = {row for row in self._continued if row <= self._row}
            del self._rows[self._row][self._column :]
        elif letter not in "mhl":
            raise ValueError(f"no escape sequence that is known: {given}{letter}")

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down(1)
        elif character == "\t":
            self._column = min(self.columns - 1, self._column // 8 * 8 + 8)
        elif character >= " ":
            if self._column >= self.columns:
                self._column = 0
                self._down(1)
                self._continued.add(self._row)
            row = self._rows[self._row]
            row.extend(" " * (self._column + 1 - len(row)))
            row[self._column] = character
            self._column += 1

    def _down(self, number: int) -> None:
        self._row += number
        while len(self._rows) <= self._row:
            self._rows.append([])


def on_terminal(
    words: Sequence[str],
    columns: int,
    folder: Path,
    environment: Mapping[str, str],
    watch: Callable[[Screen], None] = lambda screen: None,
    seconds: float = 300.0,
) -> tuple[int, Screen]:
    """Run a command in a pseudo-terminal; its exit code and its screen in the end.

    watch: is shown the screen each time that something was written. Raises TimeoutError after so many seconds.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    usual = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [*words], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={**usual, "TERM": "xterm", **environment}
    )
    os.close(theirs)
    screen, end = Screen(columns), time.monotonic() + seconds
    try:
        while True:
            if time.monotonic() > end:
                raise TimeoutError(f"{' '.join(words)}: not done after {seconds:g} s")
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                written = os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
            if not written:
                break
            screen.feed(written.decode("utf-8", "replace"))
            watch(screen)
        return process.wait(timeout=30), screen
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()


def frostline(*arguments: str) -> list[str]:
    """The command as its console script would run it."""
    return [sys.executable, "-m", "frostline", *arguments]
