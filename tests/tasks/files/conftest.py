"""A data folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, empty."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FROSTLINE_DATA", str(folder))
    return folder


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Where published files are put."""
    folder = tmp_path / "origin"
    folder.mkdir()
    return folder
