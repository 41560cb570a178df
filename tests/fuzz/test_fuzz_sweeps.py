"""Sweep files nobody would write: never a traceback, never a hang, and what is accepted can be planned.

Each file goes through the command line as a user's would. FROSTLINE_FUZZ_EXAMPLES sets how many are derived from
sweeps: 300 by default, from a fixed seed; 2000 in the long form, new ones each time. Others come on top.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.cli import main
from sweeps import expand
from sweeps.expand import FIELDS
from tests.fuzz.time_limit import time_limit
from tests.sweeps.yaml_styles import as_yaml

EXAMPLES = int(os.environ.get("FROSTLINE_FUZZ_EXAMPLES", "300"))
SECONDS_PER_FILE = 20
"""A hang and not a slow machine: a file takes milliseconds."""

FUZZ = settings(
    max_examples=-(-EXAMPLES // 3),  # three of the kinds below are derived from sweeps
    deadline=None,
    derandomize=EXAMPLES <= 300,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# Sweeps as they should be.

BASES = st.fixed_dictionaries(
    {
        "source": st.none()
        | st.fixed_dictionaries(
            {"task": st.sampled_from(["glyphs[A-Z]", "glyphs[0-9a-f]", "digits[5-9]"]), "size": st.integers(10, 500)},
            optional={"epochs": st.integers(0, 10), "learning_rate": st.sampled_from([0.1, 0.001, "1e-3"])},
        ),
        "target": st.fixed_dictionaries(
            {"task": st.sampled_from(["digits[0-4]", "glyphs"]), "size": st.integers(10, 500)},
            optional={"label_noise": st.floats(0, 1), "noise_kind": st.sampled_from(["any", "permute"])},
        ),
        "model": st.sampled_from(
            [
                {"family": "resnet", "depth": 18, "width": 4},
                {"family": "densenet", "depth": 22, "width": 8},
                {"family": "vit", "depth": 4, "width": 32, "image_size": 16},
            ]
        ),
    },
    optional={
        "train": st.fixed_dictionaries({}, optional={"optimizer": st.just("sgd"), "momentum": st.floats(0, 0.99)}),
        "transfer": st.fixed_dictionaries({}, optional={"frozen": st.just("all") | st.integers(0, 5)}),
    },
)
AXES = st.fixed_dictionaries(
    {},
    optional={
        "transfer.frozen": st.sampled_from(["all", "0..4", [0, 3], [1, "all"]]),
        "seed": st.sampled_from(["0..4", "0..20..5", [3], [0, "1e0", 2.0]]),
        "target.size": st.lists(st.integers(10, 500), min_size=1, max_size=3),
        "source": st.lists(st.none() | st.just({"task": "glyphs", "size": 30}), min_size=1, max_size=2),
        "train": st.just([{"epochs": 3}, {"epochs": 4, "schedule": "cosine"}]),
    },
)
WHERES = st.sampled_from(
    [
        "transfer.frozen > 0 or seed == 0",
        "source == none or source.size > 5",
        "model.family in ['resnet', 'vit', 'densenet'] and not seed < 0",
        "0 <= transfer.frozen < 100",
        "target.size * 2 % 2 == 0",
    ]
)
SWEEPS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "letters-to-digits", "v1.2_x"]), "base": BASES},
    optional={
        "about": st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30),
        "axes": AXES,
        "blocks": st.lists(st.fixed_dictionaries({}, optional={"base": BASES, "axes": AXES}), max_size=2),
        "where": WHERES,
    },
)

# What may be done to them.

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**18, -1, 0, 10**400, 2**53 + 1])
    | st.floats()
    | st.text(max_size=12)
    | st.dates(min_value=datetime.date(1, 1, 1))
    | st.binary(max_size=6)
    | st.sampled_from(["all", "0..4", "4..0", "0..999999999", "0..9..0", "1e400", "nan", "0x10", "true", *FIELDS])
    | st.sampled_from(["digits", "digits[0-99]", "glyphs[", "glyphs[z-a]", "digits[1,1]", "cifar10", "[]", "vit"])
    | st.sampled_from(["seed(", "9**9**9**9", "'a'*1000000000 == 1", "seed in seed", "none", "lambda: 1", "f'{seed}'"])
)
HOSTILE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(FIELDS), inner),
    max_leaves=6,
)
SECTIONS = HOSTILE | st.fixed_dictionaries(
    {"name": st.just("a") | HOSTILE},
    optional={key: HOSTILE for key in ("about", "base", "axes", "blocks", "where", "x")},
)
PIECES = [
    *"{}[]:,-?&*!|>'\"%@`#\t\n \0\x07\x85\ufeff",
    "\u2028",
    "- ",
    ": ",
    "<<: ",
    "!!int ",
    "&a ",
    "*a",
    "---\n",
    "0..4",
]
PIECES += ["1" + ":1" * 50, "9" * 400, "[" * 60, "{a: " * 30, '"\\ud800"', "all", "~", ".inf", "2026-13-45", "0b1", "é"]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value inside a value."""
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from spots(item, (*path, key))


def altered(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy in which `change(container, key)` was done at the place."""
    copy = json.loads(json.dumps(value))
    container = copy
    for key in path[:-1]:
        container = container[key]
    change(container, path[-1])
    return copy


@st.composite
def spoilt_sweeps(draw: st.DrawFn) -> Any:
    """A sweep with a value replaced, dropped, or put under another key."""
    sweep = draw(SWEEPS)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(sorted(spots(sweep), key=repr)))
        value = draw(HOSTILE)

        def change(container: Any, key: Any, value: Any = value, kind: str = draw(st.sampled_from("rrrdk"))) -> None:
            if kind == "r":
                container[key] = value
            elif kind == "d":
                del container[key]
            elif isinstance(container, dict):
                container[f"{key}s"] = container.pop(key)

        try:
            sweep = altered(sweep, place, change)
        except TypeError:  # the first change put in what JSON cannot copy
            break
    return sweep


@st.composite
def spoilt_texts(draw: st.DrawFn) -> str:
    """The text of a sweep with pieces put in, taken out or doubled."""
    text = yaml.safe_dump(draw(SWEEPS), default_flow_style=draw(st.sampled_from([None, True, False])))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(["", text[start:end] * 2]) | st.sampled_from(PIECES))
        text = text[:start] + piece + text[end:]
    return text


def dumped(value: Any) -> str:
    return yaml.safe_dump(value, allow_unicode=True)


GENERATORS: dict[str, tuple[st.SearchStrategy[str], float, float]] = {
    # (texts, least share accepted, least share refused)
    "sweeps in any style": (SWEEPS.flatmap(as_yaml), 0.4, 0.01),
    "sweeps with wrong values": (spoilt_sweeps().map(dumped), 0.02, 0.4),
    "sweeps with torn text": (spoilt_texts(), 0.02, 0.3),
    "sections of any value": (SECTIONS.map(dumped), 0.0, 0.9),
    "any text": (st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join), 0.0, 0.9),
}


def planned(text: str, folder: Path) -> bool:
    """Whether the command line accepts the text as a sweep; an AssertionError if its answer is neither yes nor no."""
    file, out, err = folder / "fuzzed.yaml", io.StringIO(), io.StringIO()
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with time_limit(SECONDS_PER_FILE), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["plan", str(file), "--store", str(folder / "store"), "--json"])
    if code == 0:
        assert err.getvalue() == ""
        assert sum(json.loads(out.getvalue())["runs"].values()) >= 1
        return True
    assert code == 2
    assert out.getvalue() == ""
    assert err.getvalue().startswith("error: ") and err.getvalue().count("\n") == 1
    assert len(err.getvalue()) < 2000
    return False


@pytest.mark.parametrize("kind", GENERATORS)
def test_a_fuzzed_sweep_is_planned_or_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(expand, "MOST_RUNS", 400)  # a large sweep is slow and nothing else
    texts, least_accepted, least_refused = GENERATORS[kind]
    counts: Counter[bool] = Counter()

    @FUZZ
    @given(texts)
    def fuzz(text: str) -> None:
        counts[planned(text, tmp_path)] += 1

    fuzz()
    with capsys.disabled():
        print(f"\n{kind}: {counts[True]} accepted, {counts[False]} refused")
    # Otherwise this would be about nothing: all refused at the first line, or all of them harmless.
    assert counts[True] >= least_accepted * counts.total()
    assert counts[False] >= least_refused * counts.total()
