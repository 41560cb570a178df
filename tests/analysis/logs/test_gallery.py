"""docs/curves.md: each answer is what the command gives, and what the curve was made to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.analysis.logs.gallery import PAGE, WAYS, Way, answer, inside, page


def test_there_are_ten_ways() -> None:
    assert len(WAYS) == 10


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.title)
def test_the_answer_is_true(way: Way, tmp_path: Path) -> None:
    with inside(tmp_path):
        way.write()
        for arguments, truth in way.commands:
            code, out, err = answer(f"{arguments} --json")
            if truth is None:
                assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1
            else:
                assert code == 0, err
                assert {v["run"]: v["shape"] for v in json.loads(out)} == truth


def test_the_page_says_what_the_commands_say() -> None:
    """`python -m tests.analysis.logs.gallery` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()
