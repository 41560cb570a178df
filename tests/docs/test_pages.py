"""What the pages name is there: links, files, commands, targets, families, rooms, variables of the environment."""

from __future__ import annotations

import ast
import re
import unicodedata
from pathlib import Path

import pytest

from architectures import FAMILIES
from frostline.cli import ANALYSIS, FROM_ORCHESTRATOR, app
from orchestrator.schedule import KnownWords
from sweeps.editions import EDITIONS
from sweeps.expand import expand
from sweeps.sweep import parse
from tasks.registry import DATASETS
from tests.docs.pages import MADE, PAGES, ROOT, blocks, prose
from tests.test_imports import FILES, MAY_IMPORT, ROOMS

HISTORY = {"CHANGELOG.md", "LOG.md", "BENCHMARKS.md"}
"""Pages that speak of what was: their links hold, the files that they name may be gone."""
SAID_TODAY = [path for path in PAGES if path.name not in HISTORY]
SUFFIXES = ("py", "md", "yaml", "html", "lock", "toml", "json")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    kept = "".join(c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
    return kept.replace(" ", "-")


def missing_links(page: Path, text: str) -> list[str]:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name) if name else page
        there = file.read_text(encoding="utf-8") if file.suffix == ".md" and file.is_file() else ""
        headings = re.findall(r"^#+ (.+)$", prose(there), re.M)
        if not file.exists() or (fragment and fragment not in map(anchor, headings)):
            missing.append(target)
    return missing


def missing_paths(page: Path, text: str, made: set[str]) -> list[str]:
    """Files and folders in backticks that are neither in the checkout nor made by the page. A name without a folder may
    be that of any file of ours: the reader knows where from the sentence."""
    names = {Path(file).name for file in FILES} | {path.name for path in ROOT.iterdir()} | {Path(p).name for p in made}
    missing = []
    for path in re.findall(rf"`([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:{'|'.join(SUFFIXES)})))`", prose(text)):
        first, _, rest = path.partition("/")
        here = any((folder / path).exists() for folder in (ROOT, page.parent))
        if not (here or path in made or first in OF_THE_STORE or (not rest and path in names)):
            missing.append(path)
    return missing


OF_THE_STORE = {
    "result.json",
    "lease.json",
    "runs",
    "sources",
    "index",
    "features",
    "quarantine",
    "rankings",
    "theory",
    "contents",
    "weights",
    "drivers",
    "stops",
    "wandb",
    "results",
    "figures",
    "paper",
    "store",
}
"""Names that pages use for files of results, not of the checkout."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert missing_links(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", SAID_TODAY, ids=name_of)
def test_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    made = {block.path for block in blocks(text) if block.language in MADE and block.path is not None}
    assert missing_paths(page, text, made) == []


@pytest.mark.parametrize("page", SAID_TODAY, ids=name_of)
def test_commands_and_targets_that_are_named_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    own = {command.callback.__name__ for command in app.registered_commands if command.callback is not None}
    commands = set(re.findall(r"(?:^|`|\$ )frostline ([a-z][a-z-]*)", text, re.MULTILINE))
    assert commands <= {*FROM_ORCHESTRATOR, *ANALYSIS, *own}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)*)", text):
        if module.split(".")[0] in {*MAY_IMPORT, "tests", "benchmarks"}:
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pytest.mark.parametrize(
    ("text", "links", "paths"),
    [
        ("[a](docs/none.md)", ["docs/none.md"], []),
        ("[a](README.md#none)", ["README.md#none"], []),
        ("[a](README.md#setting-up) [b](https://none.example)", [], []),
        ("`sweeps/none.py` and `none.py`, `sweeps/none/`", [], ["sweeps/none.py", "none.py", "sweeps/none/"]),
        ("`sweeps/spec.py`, `spec.py`, `tasks/datasets/`", [], []),
    ],
)
def test_what_is_missing_is_found(text: str, links: list[str], paths: list[str]) -> None:
    assert (missing_links(ROOT / "README.md", text), missing_paths(ROOT / "README.md", text, set())) == (links, paths)


def test_families_data_sets_and_editions_are_all_named() -> None:
    for page in ("README.md", "docs/sweeps.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in (*FAMILIES, *DATASETS) if f"`{name}`" not in text] == []
    assert [edition for edition in EDITIONS if f"| {edition} |" not in text] == []


@pytest.mark.parametrize(
    ("page", "name"),
    [("README.md", "letters-to-digits"), ("docs/sweeps.md", "letters-to-digits-two-families")],
)
def test_the_sweeps_that_are_shown_can_be_run(page: str, name: str) -> None:
    shown = [block.text for block in blocks((ROOT / page).read_text(encoding="utf-8")) if block.language == "yaml"]
    sweeps = [parse(text) for text in shown]
    assert sweeps[0].name == name and "\nedition: 2\n" in shown[0]
    assert all(len(expand(sweep, KnownWords())) > 5 for sweep in sweeps)


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_rooms_and_arrows_are_those_that_the_imports_keep() -> None:
    rows = re.findall(r"^\| `([a-z_]+)/([a-z_]+)/` \| [^|]+ \| ([^|]*)\|$", ARCHITECTURE, re.MULTILINE)
    shown = {(package, room): set(re.findall(r"`(\w+)`", below)) for package, room, below in rows}
    assert shown == {(package, room): below for package, rooms in ROOMS.items() for room, below in rooms.items()}
    assert [package for package in MAY_IMPORT if f"| `{package}/` |" not in ARCHITECTURE] == []


VARIABLE = re.compile(r"(?:FROSTLINE|SLURM|WANDB|RAY|CUBLAS|OMP|XDG)(?:_[A-Z]+)+")


def variables(path: str) -> set[str]:
    """Variables of the environment that a file speaks of in code; not those of its table QUIET."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    tables = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "QUIET"]
    quiet = {id(part) for table in tables for part in ast.walk(table)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in quiet]
    return {node.value for node in constants if isinstance(node.value, str) and VARIABLE.fullmatch(node.value)}


def test_every_variable_of_the_environment_is_in_the_table() -> None:
    section = ARCHITECTURE.partition("\n## Environment\n")[2]
    told = {name for name in re.findall(r"`([A-Z_]+)`", section) if VARIABLE.fullmatch(name)}
    used = set().union(*map(variables, FILES))
    assert {"FROSTLINE_STORE", "FROSTLINE_START_TIMEOUT", "RAY_AUTH_TOKEN"} <= used
    of_tests = {f"FROSTLINE_{name}" for name in ("CHAOS", "CHAOS_SEED", "FUZZ_EXAMPLES", "HOSTS", "MATRIX", "SLURM")}
    assert told - of_tests == used
