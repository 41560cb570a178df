"""The summary's text: what it says for each shape, and that colour is for terminals alone."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from analysis.claims.decide import all_claims
from analysis.detector.descent import detect
from analysis.detector.verdict import Point, Strength, Verdict
from analysis.report.numbers import p_cell, p_equals, p_floor, p_text, per_cent, per_cent_interval
from analysis.report.summary import print_summary
from analysis.report.terminal.finding import finding
from analysis.report.wording import (
    CELL_HEAD,
    axis_details,
    axis_text,
    cell_texts,
    epochwise_text,
    shape_text,
    threshold_text,
)
from analysis.tables.against_scratch import AgainstScratch
from analysis.tables.along_axes import AxisVerdict, freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import sweep_text, whole


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    store = tmp_path_factory.mktemp("store")
    return collect(read_sweep(whole(store, sweep_text(epochs=30)), store))


def _printed(tables: Tables, **options: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=118, **options)  # type: ignore[arg-type]
    print_summary(tables, freezing_wise(tables), all_claims(tables), [Path("results/x.csv")], console)
    return out.getvalue()


def test_every_depth_has_its_line(tables: Tables) -> None:
    lines = _printed(tables, no_color=True).splitlines()
    depths = [line.split()[0] for line in lines if line.split()[2:3] == ["3"]]
    assert depths == [str(depth) for depth in range(14)]
    assert "interpolation is lost between frozen = 10 and frozen = 11" in lines
    assert lines[-1] == "results/x.csv"
    table = [line for line in lines if line.split()[2:3] in (["3"], ["n"])]
    assert len(table) == 15 and max(map(len, table)) <= 118  # a sentence is one line, however long


def test_the_finding_comes_first_and_a_claim_says_what_it_is(tables: Tables) -> None:
    lines = _printed(tables, no_color=True).splitlines()
    assert lines[0] == "made-up: 42 runs: 42 done"
    assert lines[1].startswith("found: double descent along frozen units in resnet14-w4 (weak): test error ")
    assert "seeds agree; its peak stands where interpolation is lost (frozen = 10 to 11)" in lines[1]
    assert lines[2] == "found: over epochs: double descent in 11 of 14 cells: resnet14-w4 at frozen = 0 to 10"
    at = next(place for place, line in enumerate(lines) if line.startswith("claim C3, supported: "))
    assert lines[at + 1].startswith("  The number of frozen layers decides")


@pytest.mark.parametrize(
    ("errors", "threshold", "told"),
    [
        # Most seeds cross 5 % between 11 and 12, beside the peak but not at it; at it the train error crosses 1 %.
        ({12: 0.281, 11: 0.036, 10: 0.015, 9: 0.004}, (11.0, 12.0), "the train error crosses 1 % (frozen = 9 to 10)"),
        ({12: 0.281, 11: 0.18, 10: 0.12, 9: 0.004}, None, "the train error crosses 5 % (frozen = 9 to 10)"),
        ({12: 0.281, 11: 0.18, 10: 0.02, 9: 0.004}, (10.0, 11.0), "interpolation is lost (frozen = 10 to 11)"),
    ],
)
def test_interpolation_is_said_to_be_lost_at_the_peak_only_where_it_is(
    tables: Tables, errors: dict[int, float], threshold: tuple[float, float] | None, told: str
) -> None:
    points = Point(12, 0.2), Point(10, 0.31), Point(3, 0.25)
    peaked = Verdict("double_descent", "weak", *points, 0.06, p_value=0.001, cause="interpolation")
    found = _axis(tables, peaked)
    train = np.array([[errors.get(int(value), 0.3 if value > 12 else 0.0) for value in found.group.values]] * 3)
    each = replace(found, train=train, threshold=threshold)
    (line,) = finding(replace(tables, verdicts=(None,) * 14), (each,))
    assert line.endswith(f"; its peak stands where {told}")
    (other,) = finding(
        replace(tables, verdicts=(None,) * 14), (replace(each, verdict=replace(peaked, cause="unknown")),)
    )
    assert other.endswith("significant")


def test_a_crossing_under_the_peak_that_is_not_at_it_has_no_place(tables: Tables) -> None:
    points = Point(12, 0.2), Point(10, 0.31), Point(3, 0.25)
    peaked = Verdict("double_descent", "weak", *points, 0.06, p_value=0.001, cause="interpolation")
    found = _axis(tables, peaked)
    train = np.array([np.where(found.group.values > 11, 0.3, 0.0)] * 3)
    (line,) = finding(replace(tables, verdicts=(None,) * 14), (replace(found, train=train, threshold=(11.0, 12.0)),))
    assert line.endswith("; near its peak the train error crosses an interpolation threshold")


@pytest.mark.parametrize(
    ("strength", "words"),
    [
        ("strong", "second minimum, at more samples, below the first"),
        ("weak", "second minimum, at more samples, above the first"),
        ("undecided", "strength undecided"),
    ],
)
def test_along_set_sizes_it_is_said_which_minimum_is_lower(tables: Tables, strength: Strength, words: str) -> None:
    """More samples make a network less overparameterised: strong and weak would say the reverse."""
    points = Point(200, 0.3), Point(400, 0.4), Point(800, 0.2)
    interval = (-0.2, -0.1)
    peaked = Verdict("double_descent", strength, *points, 0.1, p_value=0.001, strength_interval=interval)
    found = _axis(tables, peaked)
    each = replace(found, group=replace(found.group, axis="target.size"))
    (line,) = finding(replace(tables, verdicts=(None,) * 14), (each,))
    assert line.startswith(f"double descent along target training set (samples) in resnet14-w4 ({words}): ")
    assert axis_text(each).startswith(f"double descent ({words}), peak at target.size = 400")
    assert axis_details(each)[0] == "second minimum, at more samples, less first: -0.200 to -0.100 (95 %, over seeds)"


def test_what_is_not_significant_is_found_nowhere(tables: Tables) -> None:
    peaked = Verdict("double_descent", "weak", Point(12, 0.2), Point(11, 0.31), Point(3, 0.25), 0.06, p_value=0.2)
    lines = finding(replace(tables, verdicts=(None,) * 14), (_axis(tables, peaked),))
    assert lines == ["no double descent along frozen units in resnet14-w4 (shape of a double descent, not significant)"]
    assert finding(replace(tables, verdicts=(None,) * 14), (_axis(tables, None, "2 of 5 points"),)) == []
    assert finding(tables, ())[-1] == "over epochs: double descent in 11 of 14 cells"


def test_what_is_shown_best_is_found_first(tables: Tables) -> None:
    """By p, then by the height of the peak."""
    points = Point(12, 0.2), Point(11, 0.31), Point(3, 0.25)
    made = [
        _axis(tables, Verdict("double_descent", "weak", *points, prominence, p_value=p))
        for p, prominence in ((0.008, 0.09), (0.001, 0.05), (0.001, 0.06))
    ]
    lines = finding(replace(tables, verdicts=(None,) * 14), tuple(made))
    assert [re.search(r", p (?:=|<=) ([\d.]+)", line)[1] for line in lines] == ["0.001", "0.001", "0.008"]  # pyright: ignore
    assert lines == finding(replace(tables, verdicts=(None,) * 14), tuple(reversed(made)))


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_terminal_of_any_width_shows_every_depth_and_wraps_at_words(tables: Tables, width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    print_summary(tables, freezing_wise(tables), all_claims(tables), [], console)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width and not any("…" in line for line in lines)
    head = r"^ *(\d+) +(?:[\d,]+ +)?3 +\d\d\.\d \[" if width >= 76 else r"^frozen (\d+):"
    depths = [found[1] for line in lines if (found := re.match(head, line))]
    assert depths == [str(depth) for depth in range(14)]
    text = " ".join(" ".join(lines).split())
    assert "3 of 3" in text and "0 of 3" in text and "double descent (weak)" in text
    assert {"claim", "C3,", "supported:", "interpolation", "underparameterisation,"} <= set(text.split())


def test_no_cell_is_said_to_interpolate_beside_a_mean_that_does_not(tmp_path: Path) -> None:
    """Two seeds at 1 %, one at 18 %: a mean of 6.7 %, and 2 of 3 seeds at most at 5 %."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(epochs), 0.3), np.full(len(epochs), 0.18 if spec.seed == 2 else 0.01)

    found = collect(read_sweep(whole(tmp_path, sweep_text(epochs=6, frozen="[0]"), curve), tmp_path))
    texts = dict(zip(CELL_HEAD, cell_texts(found, 0), strict=True))
    assert (texts["train %"], texts["seeds <= 5 %"]) == ("6.7", "2 of 3")
    assert "yes" not in texts.values()


def test_p_at_the_smallest_that_a_test_can_give() -> None:
    assert p_equals("p", 0.0005, p_floor(True)) == "p <= 0.0005" and p_equals("p", 0.001) == "p = 0.001"
    assert p_equals("p", 0.001, p_floor(True)) == "p = 0.001" and p_cell(0.0002, p_floor(False)) == "<= 0.0002"
    assert [p_floor(over) for over in (True, False)] == [0.0005, 0.0002]
    assert p_cell(None, 0.1) == "-"
    x = np.arange(1, 201, dtype=float)
    bump = 0.2 * np.exp(-((np.log(x / 20) / 0.4) ** 2)) + 0.3 * np.exp(-x / 2)
    noise = 0.001 * np.random.default_rng(0).standard_normal((5, 200))
    assert detect(x, bump + noise).p_value == p_floor(True)  # a test that all its draws agree with
    values = np.arange(12.0)
    peak = 0.2 * (values == 5) + 0.1 * ((values == 4) | (values == 6))
    small = 0.001 * np.random.default_rng(0).standard_normal((5, 12))
    assert detect(values, 0.2 + peak + small, axis="frozen").p_value == p_floor(False)


def test_colour_is_for_terminals(tables: Tables) -> None:
    assert "\x1b[" in _printed(tables, force_terminal=True)
    assert "\x1b[" not in _printed(tables, force_terminal=False)


def _axis(tables: Tables, verdict: Verdict | None, reason: str | None = None) -> AxisVerdict:
    (found,) = freezing_wise(tables)
    return replace(found, verdict=verdict, reason=reason)


def test_freezing_wise_in_words(tables: Tables) -> None:
    peaked = Verdict(
        "double_descent", "weak", Point(12, 0.2), Point(11, 0.31), Point(3, 0.25), prominence=0.0612, p_value=0.0031
    )
    assert axis_text(_axis(tables, peaked)) == (
        "double descent (weak), peak at frozen = 11, prominence 0.061, n = 3, p = 0.003, significant"
    )
    assert axis_text(_axis(tables, peaked), brief=True).endswith("n = 3, p = 0.003")
    told = replace(peaked, p_value=0.001, q_value=0.004, seeds=5, agreement=0.8)
    assert axis_text(_axis(tables, told)).endswith("p = 0.001, q = 0.004, significant, 4 of 5 seeds agree")
    single = replace(peaked, p_value=None, single_seed_significance=0.02)
    assert axis_text(_axis(tables, single)).endswith("n = 3, one seed, p = 0.02 against its own noise")
    assert axis_text(_axis(tables, replace(single, q_value=0.3))).endswith("against its own noise, q = 0.3")
    assert axis_text(_axis(tables, Verdict("monotone"))) == "monotone, n = 3"
    assert axis_text(_axis(tables, Verdict("u_shaped"))) == "U-shaped, still rising where the axis ends, n = 3"
    assert axis_text(_axis(tables, None, "2 of 5 points")) == "no verdict, 2 of 5 points"
    holes = _axis(tables, Verdict("monotone"))
    holes = replace(holes, test=np.where(np.arange(14) > 11, np.nan, holes.test))
    assert axis_text(holes) == "monotone, n = 3, 6 of 42 runs not in it"
    assert epochwise_text(Verdict("u_shaped")) == "U-shaped, unfinished"
    assert epochwise_text(None) == "-"


def test_a_call_that_is_not_significant_is_told_so(tables: Tables) -> None:
    peaked = Verdict("double_descent", "weak", Point(12, 0.2), Point(11, 0.31), Point(3, 0.25), 0.06, p_value=0.084)
    assert shape_text(peaked) == "shape of a double descent, not significant"
    assert shape_text(replace(peaked, p_value=0.004)) == "double descent (weak)"
    assert shape_text(replace(peaked, p_value=0.004, q_value=0.06)) == "shape of a double descent, not significant"
    assert shape_text(replace(peaked, p_value=None)) == "shape of a double descent, not tested"
    assert shape_text(replace(peaked, p_value=0.004, strength="undecided")) == "double descent (strength undecided)"
    dip = replace(peaked, p_value=0.004, cause="co_adaptation")
    assert shape_text(dip) == "co-adaptation dip, no interpolation threshold at its peak"


def test_what_stands_behind_a_verdict(tables: Tables) -> None:
    peaked = Verdict(
        "double_descent", "undecided", Point(12, 0.2), Point(11, 0.31), Point(3, 0.25), strength_interval=(-0.01, 0.06)
    )
    settled = np.array([1, 0, 0, 0, 1, 1, 1, 1, 1, 1, np.nan, 1, 0, 1])
    levels = np.linspace(-0.06, 0.07, 14)
    scratch = AgainstScratch(levels, levels - 0.02, levels + 0.02, np.full(14, 5.0))
    each = replace(_axis(tables, peaked), settled=settled, scratch=scratch, budget=30, earlier={})
    assert axis_details(each) == [
        "second minimum less first: -0.010 to +0.060 (95 %, over seeds)",
        "at the peak, error less that of training from scratch: +0.050 [+0.030, +0.070]: transfer fails there",
        "errors still moved after 30 epochs at frozen = 1 to 3, 12",
    ]
    two = replace(each, scratch=replace(scratch, n=np.full(14, 2.0)))
    assert not any("scratch" in line for line in axis_details(two))
    assert axis_details(_axis(tables, None, "2 of 5 points")) == []


def test_interpolation_in_words(tables: Tables) -> None:
    found = _axis(tables, None)
    for status, words in (
        ([1, 1, 1], "every point interpolates"),
        ([0, 0, 0], "no point interpolates"),
        ([np.nan, 0, 0], "of the runs that are done, no point interpolates"),
        ([np.nan, np.nan, np.nan], "interpolation: no run is done"),
    ):
        assert threshold_text(replace(found, threshold=None, interpolates=np.array(status, dtype=float))) == words


def test_numbers_in_words() -> None:
    assert per_cent(0.28449) == "28.4"
    assert per_cent(float("nan")) == per_cent(None) == "-"
    assert per_cent(0.0) == "0.0"
    assert per_cent_interval(0.25, 0.2, 0.301) == "25.0 [20.0, 30.1]"
    assert per_cent_interval(0.25, float("nan"), float("nan")) == "25.0"
    assert [p_text(p) for p in (0.0005, 0.031, 0.5, 1.0, None)] == ["0.0005", "0.031", "0.5", "1", "-"]
