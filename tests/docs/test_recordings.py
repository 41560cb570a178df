"""The recorded screens, and the same commands now: no line is wider than its terminal or cut, what differs is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.docs.record import COMMANDS, PAGE, SWEEP, WIDTHS
from tests.docs.screen import Screen, frostline, on_terminal

GOLDEN = ROOT / "tests" / "golden"
BLOCKS = [block for block in blocks(PAGE.read_text(encoding="utf-8")) if block.language == ""]
CUT = re.compile(r"…|\.\.\.(?!/)")


def screens(name: str, columns: int) -> list[list[str]]:
    return [block.text.splitlines() for block in BLOCKS if block.section == f"{name}, {columns} columns"]


def words(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_the_page_has_every_command_at_every_width_and_its_sweep() -> None:
    assert all(screens(name, columns) for name in COMMANDS for columns in WIDTHS)
    assert f"```yaml\n{SWEEP}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", list(COMMANDS))
def test_no_recorded_line_is_wider_than_its_terminal_or_cut(name: str, columns: int) -> None:
    for screen in screens(name, columns):
        assert max(map(len, screen)) <= columns
        assert [line for line in screen if CUT.search(line)] == []


@pytest.mark.parametrize("columns", WIDTHS)
def test_what_differs_is_seen_at_every_width(columns: int) -> None:
    """Of a plan the fields with their values; of a launch each job; of a summary each network and depth."""
    (plan,) = screens("plan", columns)
    assert "transfer.frozen 0 to 4" in words(plan) and "seed 0 to 2" in words(plan)
    assert "resnet8-w4 15 runs" in words(plan) and "resnet8-w8 15 runs" in words(plan)
    starting, middle, last = screens("run", columns)
    assert "starting Ray" in words(starting) and re.search(r"\b(\d+) of \1 runs done", words(last))
    running = re.findall(r"resnet8-w\d, frozen \d(?:, seed \d)?", words(middle))
    assert len(running) >= 2 and len(set(running)) == len(running)
    assert re.search(r"elapsed, about .* left", words(middle))
    (summary,) = screens("summary", columns)
    assert words(summary).startswith("letters: 30 runs: 30 done found: ")
    for width in (4, 8):
        assert f"resnet8-w{width}" in words(summary)
    depth = r"^ *frozen {}:" if columns == 40 else r"^ *{} "
    for frozen in range(5):
        assert sum(bool(re.match(depth.format(frozen), line)) for line in summary) == 2
    assert "claim C3" in words(summary) and "its peak stands where interpolation is lost" in words(summary)
    (detect,) = screens("detect", columns)
    assert len(set(re.findall(r"\b[0-9a-f]{20}\b", words(detect)))) == 30


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "sweep.yaml", "--store", "golden"),
        ("status", "sweep.yaml", "--store", "golden"),
        ("detect", "epochs.csv", "--run", "run_id", "--metric", "test_error"),
    ],
    ids=lambda arguments: arguments[0] + arguments[-1],
)
def test_a_terminal_of_40_columns_cuts_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shutil.copy(GOLDEN / "sweep.yaml", tmp_path)
    shutil.copy(GOLDEN / "tables" / "epochs.csv", tmp_path)
    shutil.copytree(GOLDEN / "store", tmp_path / "golden")
    code, screen = on_terminal(frostline(*arguments), 40, tmp_path, {"PYTHONPATH": str(ROOT)})
    lines = screen.lines()
    assert code == 0 and len(lines) > 3, lines
    assert [line for line in screen.broken() if " " in line.strip()] == []
    assert [line for line in lines if CUT.search(line)] == []
    assert any(line.startswith("next:") for line in lines), lines


def test_a_screen_shows_what_a_terminal_would() -> None:
    screen = Screen(10)
    screen.feed("abc\r\nlonger than ten\r\n\x1b[1mbold\x1b[0m\r\n")
    assert screen.lines() == ["abc", "longer tha", "n ten", "bold"]
    assert screen.broken() == ["longer than ten"]
    screen.feed("\x1b[1A\x1b[2Kx\x1b[?25l\x1b[")
    screen.feed("1Ay")
    assert screen.lines() == ["abc", "longer tha", "nyten", "x"]
    with pytest.raises(ValueError, match="no escape"):
        screen.feed("\x1b[3P")
