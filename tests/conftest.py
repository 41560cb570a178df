"""The order of the test files: those that mostly wait are spread evenly among those that compute.

Processes of pytest-xdist take a file at a time, in this order. Side by side, files that wait leave the cores idle, and
at the end the last of them is waited for alone.
"""

from __future__ import annotations

import pytest

WAIT = (
    "tests/chaos/",
    "tests/environment/",
    "tests/frostline/test_window.py",
    "tests/orchestrator/runners/",
    "tests/orchestrator/test_run_commands.py",
    "tests/orchestrator/tracking/",
    "tests/test_environment.py",
)
"""Files whose tests start Ray or servers, break them and wait for what happens."""
SPREAD = 0.8
"""The last of them begins after this share of the others."""


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long content by its argument: compressed bytes hold the time, and each process would name other tests."""
    return argname if isinstance(val, bytes) and len(val) > 40 else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = list(dict.fromkeys(file_of(item) for item in items))
    waiting = [file for file in files if file.startswith(WAIT)]
    others = [file for file in files if not file.startswith(WAIT)]
    places = {file: at * SPREAD / max(1, len(waiting)) for at, file in enumerate(waiting)}
    places |= {file: at / max(1, len(others)) for at, file in enumerate(others)}
    items.sort(key=lambda item: places[file_of(item)])


def file_of(item: pytest.Item) -> str:
    """A test's file, relative to the checkout: what stands before `::`."""
    return item.nodeid.partition("::")[0]
