"""What is refused before anything is launched, and that refusing stays cheap."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec
from tasks import check
from tasks.dataset import Dataset
from tasks.registry import DATASETS, row

MODEL = ModelSpec(family="resnet", depth=18, width=4)


def run(target: tuple[str, int], source: tuple[str, int] | None = None, seed: int = 0) -> RunSpec:
    return RunSpec(
        source=None if source is None else SourceSpec(task=source[0], size=source[1]),
        target=TargetSpec(task=target[0], size=target[1]),
        model=MODEL,
        seed=seed,
    )


@pytest.mark.parametrize(
    "spec",
    [
        run(("digits", 1207)),
        run(("digits[5-9]", 601), ("digits[0-4]", 606)),
        run(("digits", 570), ("digits", 570)),
        run(("digits", 1207), ("glyphs[A-Z]", 50_000)),
        run(("glyphs[0-9]", 1_000_000), ("glyphs[0-9]", 1_000_000)),
    ],
)
def test_what_can_be_had_is_let_through(spec: RunSpec) -> None:
    check(spec)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (run(("digits", 1208)), "target.size 1208: digits allows 2 to 1207"),
        (run(("digits[0,1]", 243)), "target.size 243: digits[0,1] allows 2 to 242"),
        (run(("digits", 100), ("glyphs", 1_000_001)), "source.size 1000001: glyphs allows 2 to 1000000"),
        (run(("digit", 100)), "target.task: 'digit' is no known task; did you mean 'digits'?"),
        (run(("digits", 100), ("glyph[A-Z]", 100)), "source.task: 'glyph[A-Z]' is no known task"),
        (
            run(("digits", 1000), ("digits", 1000)),
            "class 0 (119, asked for 100 + 100); with this target, source.size may be at most 158",
        ),
        (
            run(("digits[4-9]", 700), ("digits[0-4]", 300)),
            "class 4 (122, asked for 60 + 117); with this target, source.size may be at most 29",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_line(spec: RunSpec, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refusal:
        check(spec)
    assert said in str(refusal.value)


def test_names_and_checks_do_not_import_torch() -> None:
    code = (
        "import sys, tasks; tasks.classes_of('glyphs[A-Z]'); "
        "sys.exit(bool({'torch', 'sklearn', 'matplotlib', 'PIL'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_hundred_thousand_runs_are_checked_in_seconds() -> None:
    specs = [run(("digits", 2 + size), ("digits[0-4]", 100), seed) for size in range(200) for seed in range(5)]
    started = time.perf_counter()
    for _ in range(10):
        for spec in specs:
            check(spec)
    # Ten thousand here; the bound is loose because test machines are shared.
    assert time.perf_counter() - started < 1.0


def test_the_registry_is_consistent() -> None:
    for name in DATASETS:
        dataset = row(name)
        assert name == dataset.name
        if not isinstance(dataset, Dataset):
            if name == "images":  # the user's own: what they are is known with their content
                continue
            dataset = dataset.dataset(dataset.parameters())
            assert dataset.name == name
        assert (dataset.targets is None) == bool(dataset.classes)
        assert dataset.citation.endswith(".") and dataset.licence
        assert len(set(dataset.classes)) == len(dataset.classes)
        assert set(dataset.default) <= set(range(len(dataset.classes)))
        assert dataset.pool is None or len(dataset.pool) == len(dataset.classes)


@pytest.mark.parametrize(
    ("source", "target", "seeds", "shared"),
    [
        ("digits[0-4]", "digits[5-9]", (3, 0), None),
        ("glyphs[A-J]", "digits", (3, 0), None),
        ("digits", "digits", (0, 0), None),
        ("digits", "digits", (3, 0), "class 0"),
        ("digits[0-6]", "digits[6-9]", (3, 0), "class 6"),
        ("noisy_digits", "noisy_digits", (0, 0), None),
        ("noisy_digits", "noisy_digits(noise=0.1)", (3, 0), "the samples of digits"),
        ("sine_drift", "sine_drift", (3, 0), None),
    ],
)
def test_a_source_of_another_seed_has_to_draw_from_other_classes(
    source: str, target: str, seeds: tuple[int, int], shared: str | None
) -> None:
    spec = RunSpec(
        source=SourceSpec(task=source, size=50, seed=seeds[0]),
        target=TargetSpec(task=target, size=50),
        model=MODEL,
        seed=seeds[1],
    )
    if shared is None:
        return check(spec)
    with pytest.raises(ValueError, match=rf"^source.seed: .*both draw from {shared},"):
        check(spec)


@pytest.mark.parametrize("tasks", [("digits[0-4]", "noisy_digits"), ("noisy_digits", "digits[0-4]")])
def test_data_sets_with_the_same_samples_in_other_orders_are_no_source_and_target(tasks: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^source\.task [^\n]*draws from the samples of digits in another order"):
        check(run((tasks[1], 50), (tasks[0], 50)))
