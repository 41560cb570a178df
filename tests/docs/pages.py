"""Pages of the documentation as their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path for pattern in ("*.md", "docs/*.md", "docs/theory/*.md", "tests/*/README.md") for path in ROOT.glob(pattern)
)
MADE = ("python", "yaml")
"""Languages of blocks that are whole files."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"^`([\w./]+)`:$", re.MULTILINE)
_HEADING = re.compile(r"^#{2,} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block. `path` is the last file that a line of its own has named above it, in its section."""

    section: str
    path: str | None
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """All code blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(page):
        above = _FENCE.sub("", page[: match.start()])
        section = (_HEADING.findall(above) or [""])[-1]
        paths = _PATH.findall(above.rpartition(f"# {section}\n")[2])
        found.append(Block(section, paths[-1] if paths else None, match[1], match[2]))
    return found


def prose(page: str) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", page)


def change(text: str, diff: str) -> str:
    """The text with one change made. Lines of `diff` begin with a blank, + or -. Raises ValueError unless what is to be
    changed stands in the text once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    if text.count(old) != 1:
        raise ValueError(f"stands there {text.count(old)} times:\n{old}")
    return text.replace(old, new)


def commands(console: str) -> list[tuple[str, str]]:
    """(command, what it prints as far as the page shows it) of a block of lines, of which commands begin with `$ `."""
    parts = re.split(r"^\$ (.+)\n", console, flags=re.MULTILINE)
    assert not parts[0], "lines before the first command"
    return list(zip(parts[1::2], parts[2::2], strict=True))
