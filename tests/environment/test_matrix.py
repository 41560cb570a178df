"""Every environment of cases.py with every command in the long form, and with some in `make test`."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.environment.cases import CASES, COMMANDS, Case
from tests.environment.matrix import ROOT, Oracle, tried, undisturbed

PLAIN = next(case for case in CASES if case.name == "plain")
FULL = os.environ.get("FROSTLINE_MATRIX") == "full"
PAIRS = [(case, command) for case in CASES for command in (COMMANDS if FULL else case.sample)]


def test_the_table_has_these_rows() -> None:
    """docs/environments.md says which environments are tried, and which are refused."""
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (runs|refused) \| [^|]*\|$", page, re.MULTILINE)
    assert rows == [(case.name, "refused" if case.refused else "runs") for case in CASES]
    assert len(CASES) >= 20 and {command for case in CASES for command in case.sample} == set(COMMANDS)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    return undisturbed(PLAIN, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize(("case", "command"), PAIRS, ids=[f"{case.name}: {command}" for case, command in PAIRS])
def test_environment(case: Case, command: str, tmp_path: Path, oracle: Oracle) -> None:
    if not case.possible():
        pytest.skip(f"{case.needs[0]} cannot be used here")
    tried(case, command, tmp_path, oracle)
