"""The oracle, the seed, and the closing table: fault, injected, survived."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.scene import FULL, LOCAL, Scene

SEED = int(os.environ.get("FROSTLINE_CHAOS_SEED") or 1)
BOOK: dict[str, list[int]] = {}


class Page:
    """What one test injects."""

    def __init__(self) -> None:
        self.injected = 0


@pytest.fixture
def faults() -> Callable[[str], contextlib.AbstractContextManager[Page]]:
    """`with faults("name") as page`: what is injected inside counts as survived if the block ends well."""

    @contextlib.contextmanager
    def opened(name: str) -> Iterator[Page]:
        page, row = Page(), BOOK.setdefault(name, [0, 0])
        try:
            yield page
        except BaseException:
            row[0] += page.injected
            raise
        assert page.injected > 0, "nothing was injected"
        row[0] += page.injected
        row[1] += page.injected

    return opened


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random choices of one test: the same for the same seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The sweep when nothing happens to it."""
    undisturbed = Scene(tmp_path_factory.mktemp("undisturbed"))
    code, output = undisturbed.run(*LOCAL)
    assert code == 0, output
    undisturbed.check(undisturbed.tables())
    return undisturbed


@pytest.fixture(scope="session")
def oracle(finished: Scene) -> list[str]:
    """Its tables."""
    return finished.tables()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="in the long form: make chaos")
    for item in items:
        if "chaos" in item.path.parts and not FULL and item.get_closest_marker("long"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if BOOK:
        terminalreporter.section(f"chaos, seed {SEED}")
        terminalreporter.write_line(f"{'fault':72} injected survived")
        for name, (injected, survived) in sorted(BOOK.items(), key=lambda row: int(row[0].split()[0])):
            terminalreporter.write_line(f"{name:72} {injected:8} {survived:8}")
        total = [sum(row[i] for row in BOOK.values()) for i in (0, 1)]
        terminalreporter.write_line(f"{'all':72} {total[0]:8} {total[1]:8}")
