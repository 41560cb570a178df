"""Each message that docs/troubleshooting.md quotes is one that the code, or the Makefile, can print."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT
from tests.test_imports import FILES

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = [row.replace(r"\|", "|") for row in re.findall(r"^\| `(.+?)` \| ", PAGE, re.MULTILINE)]
GAP = "\0"


def template(node: ast.JoinedStr) -> str:
    """An f-string with a gap for each value."""
    parts = (str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
    return "".join(parts)


def printed() -> set[str]:
    """All texts in the code, and the Makefile's lines."""
    found = set((ROOT / "Makefile").read_text(encoding="utf-8").splitlines())
    for path in FILES:
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.add(template(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


TEXTS = printed()


def can_be_printed(message: str) -> bool:
    """Whether its pieces, between the gaps, stand in this order in one text of the code."""
    pieces = [re.escape(piece.strip()) for piece in message.split("…") if piece.strip()]
    wanted = re.compile(".*".join(pieces), re.DOTALL)
    return any(wanted.search(text) for text in TEXTS)


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_one_of_the_code(message: str) -> None:
    assert max(len(piece) for piece in message.split("…")) >= 8, "too little is quoted to find it"
    assert can_be_printed(message)


def test_what_no_code_prints_is_found() -> None:
    assert len(QUOTED) > 25
    assert not can_be_printed("--store …: formal …, written by an older version")
    assert not can_be_printed("allowed 1 to …, --threads-per-run")
