"""Sweep files as people write them, and as nobody should: every refusal is one line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sweeps import sweep as sweeps
from sweeps.errors import SpecError
from sweeps.language.plain_yaml import DEEPEST, load
from sweeps.sweep import LARGEST_FILE, SweepSpec, parse, read

LEAST = "name: a\n"


def refused(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 500
    return said


# What is read.


def test_the_least_sweep() -> None:
    assert parse("{name: a}") == SweepSpec(name="a")


def test_flow_and_block_style_are_the_same_sweep() -> None:
    flow = parse("{name: a, base: {seed: 1}, axes: {'target.size': [5, 6]}, blocks: [{base: {seed: 2}}]}")
    block = parse(
        """
        # a comment
        name: "a"
        base:
          seed: 1   # another
        axes:
          target.size:
          - 5
          - 6
        blocks:
          - base:
              seed: 2
        """
    )
    assert flow == block
    assert flow.digest == block.digest


def test_the_digest_is_of_what_is_asked() -> None:
    digests = {
        parse(text).digest for text in (LEAST, f"{LEAST}base: {{seed: 1}}", f"{LEAST}base: {{seed: 2}}", "name: b")
    }
    assert len(digests) == 4
    assert parse("name: a\nbase: {} # as ever\n").digest == parse(LEAST).digest


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1000", 1000),
        ("-7", -7),
        ("+7", 7),
        ("1_000", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("1E+3", 1000.0),
        ("1.0e-3", 0.001),
        ("010", 10.0),  # and not 8
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        # What YAML 1.1 would make something else of stays text.
        ("no", "no"),
        ("on", "on"),
        ("0x10", "0x10"),
        ("0b11", "0b11"),
        ("0o7", "0o7"),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("2026-13-45", "2026-13-45"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("0..4", "0..4"),
        ("=", "="),
        ("'1000'", "1000"),
        ('"\\u00e9"', "é"),
    ],
)
def test_how_a_value_is_read(written: str, value: object) -> None:
    found = load(f"key: {written}")["key"]
    assert found == value
    assert type(found) is type(value)


def test_a_byte_order_mark_is_no_part_of_the_sweep(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: a\r\nabout: from an editor on Windows\r\n")
    assert read(str(file)).name == "a"


# What is refused.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            "with the keys name, about, base, axes, blocks, where, edition, extends; this is nothing",
        ),
        ("# only a comment\n", "this is nothing"),
        ("- name: a\n", "this is a list"),
        ("letters", "this is a str"),
        ("3", "this is a int"),
        ("null", "this is nothing"),
        ("{}", "name: missing; it has no default"),
        ("---\nname: a\n---\nname: b\n", "line 3: not YAML: but found another document"),
        ("name: a\nname: b\n", "line 2: key 'name' is given twice"),
        ("name: a\nbase: {seed: 1, 'seed': 2}\n", "line 2: key 'seed' is given twice"),
        ("name: a\nbase: &x {seed: 1}\nblocks: [{base: *x}]\n", "line 3: YAML aliases (*name) are not allowed"),
        ("&a name: a\n*a : b\n", "line 2: YAML aliases (*name) are not allowed"),
        ("name: a\nbase: &x [*x]\n", "YAML aliases (*name) are not allowed"),
        ("name: a\n<<: {about: b}\n", "unknown key '<<'"),
        ("name: a\n\tabout: b\n", "line 2: not YAML"),
        ("name:\ta\n\tb: c\n", "not YAML"),
        ("name: a\nbase: {\n", "line 3: not YAML"),
        ("name: a\nbase: [1, 2\nseed: 3\n", "not YAML"),
        ("name: 'a\n", "not YAML"),
        ("name: @a\n", "line 1: not YAML"),
        ("name: a: b\n", "line 1: not YAML"),
        ("name: a\n about: b\n", "line 2: not YAML"),
        ("%YAML 7.0\n---\nname: a\n", "not YAML"),
        ("%TAG ! tag:x,2000:\n---\n!a name: a\n", "YAML tags"),
        ("name: \x00\n", "not YAML"),
        ("name: \x1b[31m\n", "not YAML"),
        ('name: "\\ud800"\n', "line 1: '\\ud800' holds half a character"),
        ('name: a\nbase: {"\\udfff": 1}\n', "line 2: '\\udfff' holds half a character"),
        ('name: "\\UFFFFFFFF"\n', "not YAML"),
        ('name: "\\U00110000"\n', "not YAML"),
        ("1: a\n", "line 1: key 1 is not text"),
        ("name: a\nbase:\n  true: 1\n", "line 3: key True is not text"),
        ("name: a\nbase: {~: 1}\n", "line 2: key None is not text"),
        ("name: a\nbase: {[1, 2]: 1}\n", "line 2: key [1, 2] is not text"),
        ("name: a\nbase: {{a: 1}: 1}\n", "line 2: key {'a': 1} is not text"),
        ("name: a\nbase: {2026-01-31: 1.5}\naxes: 5\n", "axes = 5"),
        ("name: a\nbase: {1.5: 1}\n", "line 2: key 1.5 is not text"),
        ("? name\n? name\n", "line 2: key 'name' is given twice"),
    ],
)
def test_what_is_no_sweep_is_refused(text: str, said: str) -> None:
    assert said in refused(text)


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object:os.system {}",
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "!!python/tuple [1]",
        "!!binary aGVsbG8=",
        "!!timestamp 2026-01-31",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!!int ''",
        "!!float x",
        "!!bool x",
        "!!str 1",
        "!!map {}",
        "!mine 1",
        "! 1",
        "!<tag:yaml.org,2002:int> 1",
    ],
)
def test_tags_are_refused(value: str) -> None:
    assert refused(f"name: a\nbase: {{seed: {value} }}\n").startswith("line 2: YAML tags ('")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nam: a\n", "unknown key 'nam'; did you mean 'name'?"),
        ("name: a\nbasis: {}\n", "unknown key 'basis'; did you mean 'base'?"),
        ("name: a\nblocks: [{axis: {}}]\n", "unknown key 'blocks.0.axis'; did you mean 'axes'?"),
        ("name: a\nblocks: [" + "{}, " * 150 + "{axis: {}}]\n", "unknown key 'blocks.150.axis'; did you mean 'axes'?"),
        ("name: a\nblocks: [{name: b}]\n", "unknown key 'blocks.0.name'"),
        ("name: a\nblocks: {}\n", "blocks: allowed: a list"),
        ("name: a\nblocks: 3\n", "blocks = 3: allowed: a list"),
        ("name: a\nblocks: [3]\n", "blocks.0 = 3: allowed: a mapping with the keys base, axes"),
        ("name: a\nbase: []\n", "base = []: allowed: a mapping"),
        ("name: a\nbase:\n", "base = None: allowed: a mapping"),
        ("name: a\naxes: [1]\n", "axes = [1]: allowed: a mapping"),
        ("name: a\nwhere: true\n", "where = True: allowed: a valid string"),
        ("name: a\nabout: 5\n", "about = 5: allowed: a valid string"),
        ("name: 5\n", "name = 5: allowed: a valid string"),
        ("name: my sweep\n", "name = 'my sweep': allowed: letters, digits, '_', '.' and '-', at most 80, the first"),
        ("name: a/b\n", "name = 'a/b'"),
        ("name: ../a\n", "name = '../a'"),
        ("name: ''\n", "name = ''"),
        ("name: .a\n", "name = '.a'"),
        ('name: "a\\n"\n', "name = 'a\\n'"),
        ("name: " + "a" * 81, "name = 'aaa"),
        ("? " + "k" * 100_000 + "\n: 1\n", "unknown key 'kkk"),
    ],
)
def test_a_sweep_of_the_wrong_shape_is_refused(text: str, said: str) -> None:
    assert said in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nbase: " + "[" * 100_000,
        "name: a\nbase: {a: " + "[" * 60_000 + "]" * 60_000 + "}",
        "name: a\nbase: " + "{a: " * 10_000 + "1" + "}" * 10_000,
        "".join(f"{' ' * depth}a:\n" for depth in range(600)),
        "- " * 50_000 + "a",
        "? " * 10_000 + "a",
    ],
    ids=["open", "lists", "mappings", "block", "dashes", "keys"],
)
def test_deep_nesting_is_refused_soon(text: str) -> None:
    started = time.perf_counter()
    assert f"nested deeper than {DEEPEST} levels" in refused(text)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("9" * 5000, "line 2: '999"),
        ("1.0e+400", "line 2: '1.0e+400' is too large a number"),
        ("-1e400", "line 2: '-1e400' is too large a number"),
        ("1" + "0" * 400, "is too large a number"),
    ],
)
def test_a_number_beyond_floats_is_refused(number: str, said: str) -> None:
    assert said in refused(f"name: a\nbase: {{seed: {number}}}\n")


def test_numbers_that_take_long_to_read_are_not_read() -> None:
    started = time.perf_counter()
    for number in ("1" + ":1" * 50_000, "0x" + "f" * 100_000, "1_" * 50_000 + "1", "0b" + "1" * 100_000):
        sweep = f"name: a\nbase: {{seed: {number}}}\n"
        try:
            parse(sweep)
        except SpecError as problem:
            assert len(str(problem)) < 300
    assert time.perf_counter() - started < 5


# Files.


def said_of(path: object) -> str:
    with pytest.raises(SpecError) as caught:
        read(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert said_of(tmp_path / "none.yaml") == f"{tmp_path}/none.yaml: No such file or directory"
    assert said_of(tmp_path) == f"{tmp_path}: Is a directory"
    assert "File name too long" in said_of("a" * 5000)
    assert "File name too long" in said_of("a" * 5000 + ".yaml")


@pytest.mark.parametrize(
    "content", [b"\xff\xfen\x00a\x00", b"name: \xe9\n", b"\x89PNG\r\n\x1a\n\xff", bytes(range(256))]
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    assert said_of(file) == f"{file}: not UTF-8 text"


def test_a_mistake_is_found_by_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: a\nname: b\n")
    assert said_of(file) == f"{file}: line 2: key 'name' is given twice"


def test_a_file_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"name: a\nabout: {'é' * LARGEST_FILE}\n")
    assert said_of(file) == f"{file}: larger than {LARGEST_FILE:,} bytes"
    assert "larger than" in said_of("/dev/zero")


def test_a_catalog_name_stands_for_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "CATALOG", tmp_path)
    assert said_of("quickstart") == "no sweep file or catalog name 'quickstart'"
    (tmp_path / "quickstart.yaml").write_text("name: quick\n")
    assert read("quickstart").name == "quick"
    assert said_of("quickstrat") == "no sweep file or catalog name 'quickstrat'; did you mean 'quickstart'?"


def test_a_folder_of_results_does_not_hide_the_sweep_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart").mkdir()
    (tmp_path / "mine").mkdir()
    assert read("quickstart").name == "quickstart"
    with pytest.raises(SpecError, match=r"^mine: Is a directory$"):
        read("mine")


@pytest.mark.parametrize("file", sorted(sweeps.CATALOG.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_sweep_in_the_catalog_is_read(file: Path) -> None:
    assert read(file.stem).name == file.stem


# One text extended.

FAMILY = """
name: parent
about: Parent.
edition: 2
base:
  source: {task: mnist, size: 100}
  train: {epochs: 5}
axes: {transfer.frozen: [0, 1], seed: 0..1}
blocks:
  narrow: {base: {model: {width: 4}}}
  wide: {base: {model: {width: 16}}, axes: {seed: 0..9}}
"""


def written(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)


def test_an_extended_sweep_is_the_other_with_this_one_laid_over_it(tmp_path: Path) -> None:
    child = """
extends: parent.yaml
name: child
base: {source: {size: 900}}
axes: {seed: 0..4}
blocks: {wide: {base: {model: {depth: 20}}}, third: {axes: {}}}
"""
    whole = """
name: child
about: Parent.
edition: 2
base:
  source: {task: mnist, size: 900}
  train: {epochs: 5}
axes: {transfer.frozen: [0, 1], seed: 0..4}
blocks:
  - {base: {model: {width: 4}}}
  - {base: {model: {width: 16, depth: 20}}, axes: {seed: 0..9}}
  - {axes: {}}
"""
    written(tmp_path, parent=FAMILY, child=child, whole=whole)
    assert read(str(tmp_path / "child.yaml")).digest == read(str(tmp_path / "whole.yaml")).digest


def test_a_block_can_be_left_out_and_a_list_replaces_all(tmp_path: Path) -> None:
    written(tmp_path, parent=FAMILY, less="extends: parent.yaml\nname: less\nblocks: {wide: null}\n")
    assert [block.base for block in read(str(tmp_path / "less.yaml")).blocks] == [{"model": {"width": 4}}]
    written(tmp_path, list="extends: parent.yaml\nname: list\nblocks: [{axes: {}}]\n")
    assert len(read(str(tmp_path / "list.yaml")).blocks) == 1


def test_a_chain_may_use_names_of_the_catalog_and_paths_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, mine = tmp_path / "catalog", tmp_path / "mine"
    catalog.mkdir()
    mine.mkdir()
    monkeypatch.setattr(sweeps, "CATALOG", catalog)
    written(catalog, parent=FAMILY, middle="extends: parent\nname: middle\nbase: {train: {epochs: 7}}\n")
    written(mine, first="extends: middle\nname: first\n", second="extends: first.yaml\nname: second\nbase: {seed: 3}\n")
    found = read(str(mine / "second.yaml"))
    assert (found.name, found.base["train"], found.base["seed"]) == ("second", {"epochs": 7}, 3)
    assert parse("extends: middle\nname: text\n").base["train"] == {"epochs": 7}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: parent.yaml\n", "name: missing"),
        ("extends: ' '\nname: a\n", "extends = ' ': the file of a sweep or its name in the catalog is allowed"),
        ("extends: 3\nname: a\n", "extends = 3: the file of a sweep or its name in the catalog is allowed"),
        ("extends: nowhere.yaml\nname: a\n", "extends: nowhere.yaml: No such file or directory"),
        ("extends: claim\nname: a\n", "extends: no sweep file or catalog name 'claim'"),
        ("extends: broken.yaml\nname: a\n", "extends: line 2: key 'name' is given twice"),
        ("extends: round.yaml\nname: a\n", "extends: extends: round.yaml -> around.yaml -> round.yaml: no sweep can"),
        ("extend: parent.yaml\nname: a\n", "did you mean 'extends'?"),
    ],
)
def test_what_cannot_be_extended_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    written(
        tmp_path,
        parent=FAMILY,
        broken="name: a\nname: b\n",
        round="extends: around.yaml\nname: round\n",
        around="extends: round.yaml\nname: around\n",
        it=text,
    )
    with pytest.raises(SpecError) as caught:
        read(str(tmp_path / "it.yaml"))
    assert said in str(caught.value) and "\n" not in str(caught.value)
