"""Shapes of data: grids of width by epoch, a row per model, seeds in files and columns. Directions and units."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analysis.logs.choices import Choices
from analysis.logs.ingest import read_curves
from analysis.logs.readers.table import CurveError
from tests.analysis.logs.curve_files import (
    BY_WIDTH,
    EPOCHS,
    FALL,
    TEST,
    TRAIN,
    WIDTHS,
    assert_both,
    assert_by_width,
    assert_dd,
    refused,
    run,
    said,
    verdict,
    verdicts,
    write,
)

STEPS = np.array([10, 20, 30, 40, 50])


def grid(path: Path, seeds: int = 1, shift: float = 0.0, last: dict[int, int] | None = None) -> Path:
    rows = [
        {"width": w, "epoch": e, "seed": s, "test_error": y + shift + 0.3 * np.exp(-e / 10) + 0.002 * s}
        for w, y in zip(WIDTHS.tolist(), BY_WIDTH.tolist(), strict=True)
        for e in STEPS.tolist()
        for s in range(seeds)
        if e <= (last or {}).get(w, 50)
    ]
    frame = pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=0)
    (frame if seeds > 1 else frame.drop("seed")).write_csv(path)
    return path


def test_a_grid_is_read_at_its_last_epoch_or_at_the_one_asked_for(tmp_path: Path) -> None:
    path = grid(tmp_path / "g.csv")
    assert_by_width(verdict(path, "--axis", "width"))
    assert_by_width(verdict(path, "--x", "width"))  # the name of x tells the axis
    assert "the last epoch of each width (50)" in said(path, "--axis", "width")
    errors = {}
    for options in (Choices(axis="width"), Choices(axis="width", at=20), Choices(axis="width", last=3)):
        errors[options.at or options.last] = read_curves(path, choices=options).runs[0].errors[0]
    np.testing.assert_allclose(errors[None], BY_WIDTH + 0.3 * np.exp(-5))
    np.testing.assert_allclose(errors[20], BY_WIDTH + 0.3 * np.exp(-2))
    np.testing.assert_allclose(errors[3], BY_WIDTH + 0.3 * np.exp([-3, -4, -5]).mean())
    assert "--at 25: width = 1 of run g has no such epoch; it has 5 from 10 to 50" in refused(
        path, "--axis", "width", "--at", "25"
    )
    assert "width tells them apart: --run width for a curve of each, --axis width for a curve along it" in refused(path)
    assert set(verdicts(path, "--run", "width")) == {f"width={w}" for w in WIDTHS}
    assert verdict(grid(tmp_path / "s.csv", seeds=3), "--axis", "width")["seeds"] == 3
    assert "(20 to 50; earlier at 8)" in said(grid(tmp_path / "e.csv", last={8: 20}), "--axis", "width")
    assert "no column of epochs" in refused(models(tmp_path / "m.csv"), "--axis", "width", "--last", "2")
    assert "--at and --last: the epoch that stands for a model" in refused(path, "--at", "20")


def test_the_train_error_is_that_of_the_epoch_that_stands_for_a_model(tmp_path: Path) -> None:
    """Also where train errors of other epochs, or of another width, are missing or stand in rows of their own."""
    rows = [
        {"width": w, "epoch": e, "test_error": y, "train_error": None if (w, e) == (8, 40) else 0.5 / e + 0.001 * w}
        for w, y in zip(WIDTHS.tolist(), BY_WIDTH.tolist(), strict=True)
        for e in STEPS.tolist()
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "g.csv")
    trains: dict[int, np.ndarray] = {}
    for at in (20, 40):
        (curve,) = read_curves(tmp_path / "g.csv", choices=Choices(axis="width", at=at)).runs
        assert curve.train_errors is not None
        trains[at] = curve.train_errors[0]
    np.testing.assert_allclose(trains[20], 0.025 + 0.001 * WIDTHS)
    np.testing.assert_allclose(trains[40], np.where(WIDTHS == 8, np.nan, 0.0125 + 0.001 * WIDTHS))
    apart = [{**row, name: None} for row in rows for name in ("test_error", "train_error")]
    pl.DataFrame(apart).write_csv(tmp_path / "apart.csv")
    (curve,) = read_curves(tmp_path / "apart.csv", choices=Choices(axis="width", at=20)).runs
    assert curve.train_errors is not None
    np.testing.assert_allclose(curve.train_errors[0], 0.025 + 0.001 * WIDTHS)


def test_a_loss_crosses_no_interpolation_threshold(tmp_path: Path) -> None:
    """Whatever the train loss does at the peak; where both rise it is an instability all the same."""
    columns = {"epoch": EPOCHS, "test_loss": 3 * TEST, "train_loss": 3 * TRAIN}
    found = verdict(write(tmp_path / "a.csv", **columns), "--rule", "loss", "--sensitivity")
    assert (found["double_descent"], found["cause"]) == (True, "unknown")
    rising = verdict(write(tmp_path / "b.csv", **columns | {"train_loss": 3 * TEST}), "--rule", "loss")
    assert rising["shape"] == "unstable" and "train error rises" in rising["note"]
    frozen = {"frozen": np.arange(len(WIDTHS)), "seed": 0, "test_loss": BY_WIDTH[::-1], "train_loss": 0.5}
    dip = verdict(write(tmp_path / "c.csv", **frozen), "--rule", "loss", "--axis", "frozen", "--sensitivity")
    assert (dip["double_descent"], dip["cause"]) == (True, "unknown")
    errors = {name.replace("loss", "error"): values for name, values in frozen.items()}
    dip = verdict(write(tmp_path / "d.csv", **errors), "--axis", "frozen")
    assert (dip["double_descent"], dip["cause"]) == (False, "co_adaptation")


def test_a_folder_of_grids_is_read_whole(tmp_path: Path) -> None:
    folder = tmp_path / "grids"
    folder.mkdir()
    grid(folder / "a.csv")
    grid(folder / "b.csv", shift=0.05)
    assert "width tells them apart" in refused(folder)
    found = verdicts(folder, "--axis", "width")
    assert set(found) == {"a", "b"}
    for one in found.values():
        assert_by_width(one)
    assert found["b"]["peak"]["error"] == pytest.approx(found["a"]["peak"]["error"] + 0.05)
    twice = pl.read_csv(folder / "a.csv")
    pl.concat([twice, twice.with_columns(pl.col("test_error") + 0.1)]).write_csv(folder / "c.csv")
    line = refused(folder / "c.csv", "--axis", "width")
    assert "stands twice with different errors" in line and "--run COLUMN or --seed COLUMN" in line


def models(path: Path, repeats: int = 1, **extra: list) -> Path:
    widths = np.repeat(WIDTHS, repeats)
    errors = np.repeat(BY_WIDTH, repeats) + np.tile(0.003 * np.arange(repeats), len(WIDTHS))
    return write(path, Name=[f"net-{i}" for i in range(len(widths))], width=widths, test_error=errors, **extra)


def test_one_row_per_model(tmp_path: Path) -> None:
    one = models(tmp_path / "m.csv")
    assert_by_width(verdict(one, "--axis", "width"))
    assert "each row is a model: together one curve" in said(one, "--axis", "width")
    assert "for a curve along width: --axis width" in refused(one)
    three = models(tmp_path / "three.csv", 3)
    found = verdict(three, "--axis", "width")
    assert found["seeds"] == 3
    assert_by_width(found)
    assert not read_curves(three, choices=Choices(axis="width")).runs[0].paired
    rates = models(tmp_path / "rates.csv", 2, learning_rate=[0.1, 0.01] * len(WIDTHS))
    assert "differ in learning_rate: --run learning_rate makes a curve of each" in refused(rates, "--axis", "width")
    assert set(verdicts(rates, "--axis", "width", "--run", "learning_rate")) == {
        "learning_rate=0.1",
        "learning_rate=0.01",
    }
    seeded = models(tmp_path / "seeded.csv", 3, seed=[0, 1, 2] * len(WIDTHS))
    assert verdict(seeded, "--axis", "width")["seeds"] == 3
    assert read_curves(seeded, choices=Choices(axis="width")).runs[0].paired


def test_what_a_refusal_says_to_type_can_be_pasted(tmp_path: Path) -> None:
    """Names with blanks, quotes or more than 40 characters."""
    for name in ("learning rate", "optimizer's own initial learning rate of the first group", "lr"):
        path = models(tmp_path / "m.csv", 2, **{name: [0.1, 0.01] * len(WIDTHS)})
        option = refused(path, "--axis", "width").split(" makes a curve of each")[0].split(": ")[-1]
        typed = shlex.split(option)
        assert typed == ["--run", name]
        assert len(verdicts(path, "--axis", "width", *typed)) == 2
    path = write(tmp_path / "c.csv", **{"epoch": EPOCHS, "intersection over union, mean of 21 classes": 1 - TEST})
    line = refused(path)
    assert "--metric 'intersection over union, mean of 21 classes' --better high" in line
    odd = write(tmp_path / "d.csv", **{"epoch": EPOCHS, "val  iou": 1 - TEST})  # which a message shows with one blank
    assert "--metric COLUMN --better high" in refused(odd)


def test_wandb_run_table(tmp_path: Path) -> None:
    created = [f"2026-01-01T00:00:{i:02d}" for i in range(24)]
    path = models(tmp_path / "project.csv", 2, State=["finished"] * 24, Created=created,
                  Runtime=list(range(24)), seed=[1, 2] * 12)  # fmt: skip
    assert_by_width(verdict(path, "--axis", "width"))
    mlflow = pl.read_csv(path).rename(
        {"width": "params.width", "seed": "params.seed", "test_error": "metrics.test_error"}
    )
    mlflow.write_csv(tmp_path / "search_runs.csv")
    assert_by_width(verdict(tmp_path / "search_runs.csv", "--axis", "width"))


def test_seeds_in_columns(tmp_path: Path) -> None:
    wide = {f"test_error_seed{s}": TEST + 0.001 * s for s in range(3)}
    found = verdict(write(tmp_path / "c.csv", epoch=EPOCHS, **wide))
    assert found["seeds"] == 3 and found["p_value"] < 0.05
    plain = write(tmp_path / "d.csv", epoch=EPOCHS, **{str(s): TEST + 0.001 * s for s in range(3)})
    assert "--seed '*' --better low; a run: --run '*' --better low" in refused(plain)
    assert verdict(plain, "--seed", "*", "--better", "low")["seeds"] == 3
    assert set(verdicts(plain, "--run", "*", "--better", "low")) == {"0", "1", "2"}
    both = write(tmp_path / "e.csv", epoch=EPOCHS, acc_dd=1 - TEST, acc_down=1 - FALL)
    assert_both(verdicts(both, "--run", "acc_*"), "dd", "down")
    assert "fits no column" in refused(both, "--run", "zz*")


def test_seeds_in_files(tmp_path: Path) -> None:
    for s in range(3):
        write(tmp_path / f"resnet_seed{s}.csv", epoch=EPOCHS, test_error=TEST + 0.001 * s)
    found = verdicts(tmp_path)
    assert set(found) == {"resnet"} and found["resnet"]["seeds"] == 3
    for s in range(3):
        (tmp_path / f"resnet_seed{s}.csv").rename(tmp_path / f"try-{'abc'[s]}.csv")
    assert len(verdicts(tmp_path)) == 3
    assert verdict(tmp_path, "--seed", "file")["seeds"] == 3
    assert verdict(tmp_path / "try-*.csv", "--seed", "file")["seeds"] == 3
    result = run(*sorted(tmp_path.glob("*.csv")), "--seed", "file", "--json")  # as a shell expands the pattern
    assert [v["seeds"] for v in json.loads(result.stdout)] == [3]
    assert "no such file or folder" in refused(tmp_path / "zz*.csv")


def test_equal_names_in_two_files_are_two_runs(tmp_path: Path) -> None:
    for name, curve in (("one", TEST), ("two", FALL)):
        write(tmp_path / f"{name}.csv", run=["a"] * 120, epoch=EPOCHS, test_error=curve)
    assert_both(verdicts(tmp_path), "one/a", "two/a")


def test_what_cannot_be_read_or_judged_is_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    write(tmp_path / "good.csv", epoch=EPOCHS, test_error=TEST)
    write(tmp_path / "short.csv", epoch=[1, 2], test_error=[0.5, 0.4])
    (tmp_path / "bad.csv").write_text("epoch,test_error\n1,x\n2,.3\n")
    result = run(tmp_path, "--json")
    assert result.exit_code == 1
    assert [v["run"] for v in json.loads(result.stdout)] == ["good"]
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2 and "bad.csv" in errors[0] and "run short: 2 points" in errors[1]


@pytest.mark.parametrize("name", ["bad.csv", "events.out.tfevents.1"])
def test_a_folder_of_which_nothing_can_be_read_is_named_once(tmp_path: Path, name: str) -> None:
    """With what is wrong in it, whatever was refused before."""
    (tmp_path / "first.csv").write_text("")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("")
    write(tmp_path / "good.csv", epoch=EPOCHS, test_error=TEST)
    result = run(tmp_path / "first.csv", tmp_path / "a", tmp_path / "b", tmp_path / "good.csv")
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    for line, place in zip(errors, ("first.csv", "a", "b"), strict=True):
        assert line.startswith(f"error: {tmp_path / place}")


def test_a_seed_too_short_is_named(tmp_path: Path) -> None:
    seeds = np.r_[np.zeros(120), np.ones(120), [2, 2]]
    path = write(
        tmp_path / "c.csv", seed=seeds, epoch=np.r_[EPOCHS, EPOCHS, [0, 1]], test_error=np.r_[TEST, TEST, 0.6, 0.5]
    )
    result = run(path, "--json")
    assert result.exit_code == 1 and "error: run c: 1 of 3 seeds left out: fewer than 4 points" in result.stderr
    assert [v["seeds"] for v in json.loads(result.stdout)] == [2]


# Directions and units


@pytest.mark.parametrize(
    ("column", "values", "options"),
    [
        ("val_iou", 1 - TEST, ("--better", "high")),
        ("test_prec1", 100 * (1 - TEST), ("--better", "high")),
        ("my_measure", TEST, ("--better", "low")),
        ("1-test_acc", TEST, ()),
        ("1 - acc", TEST, ()),
        ("100 - val_acc", 100 * TEST, ()),
        ("test_top1", 1 - TEST, ()),
        ("Acc@1", 100 * (1 - TEST), ()),
        ("top1_err", TEST, ()),
        ("valAccuracy", 1 - TEST, ()),
        ("metrics.test_error", TEST, ()),
        ("val_sparse_categorical_accuracy", 1 - TEST, ()),
    ],
)
def test_with_and_without_metric_the_answer_is_the_same(tmp_path: Path, column: str, values, options) -> None:
    path = write(tmp_path / "c.csv", epoch=EPOCHS, **{column: values})
    assert_dd(verdict(path, "--metric", column, *options))
    if options:
        assert f"{column}: is high or low better? Say --better high" in refused(path, "--metric", column)
        assert f"--metric {column} --better" in refused(path)
    else:
        assert verdict(path) == verdict(path, "--metric", column)


def test_units(tmp_path: Path) -> None:
    percent = write(tmp_path / "p.csv", epoch=EPOCHS, test_error=100 * TEST)
    assert "test_error is in percent" in said(percent)
    small = write(tmp_path / "s.csv", epoch=EPOCHS, test_error=TEST * 2)  # up to 1.2: 1.2 % or a mistake
    assert "fraction or percent? Say --unit percent" in refused(small)
    np.testing.assert_allclose(read_curves(small, choices=Choices(unit="percent")).runs[0].errors[0], TEST / 50)
    mixed = write(
        tmp_path / "m.csv",
        run=["a"] * 120 + ["b"] * 120,
        epoch=np.r_[EPOCHS, EPOCHS],
        test_error=np.r_[100 * TEST, TEST],
    )
    assert "in percent for some runs, at most 1 for b" in refused(mixed)
    rounded = write(tmp_path / "r.csv", epoch=EPOCHS, test_acc=np.r_[1.0000001, 1 - TEST[1:]])
    assert read_curves(rounded).runs[0].errors.min() >= 0
    with pytest.raises(CurveError, match="unit: 'bits'; allowed are fraction, percent"):
        Choices(unit="bits")  # type: ignore[arg-type]


def test_a_loss_has_a_rule_of_its_own(tmp_path: Path) -> None:
    noise = 0.004 * np.random.default_rng(0).standard_normal(120)
    found = []
    for factor in (1.0, 3.7, 0.01, 2000.0):
        path = write(
            tmp_path / "c.csv",
            epoch=EPOCHS,
            test_loss=factor * (4 * TEST + noise),
            train_loss=factor * (2 - EPOCHS / 60),
        )
        assert "test_loss is a loss, which has no percent; --rule loss" in refused(path, "--metric", "test_loss")
        assert "for the loss: --metric test_loss --rule loss" in refused(path)
        found.append(verdict(path, "--rule", "loss"))
        assert found[-1] == verdict(path, "--rule", "loss", "--metric", "test_loss")
        assert found[-1]["peak"]["error"] == pytest.approx(factor * 0.72, rel=0.05)
        assert found[-1]["peak"]["epoch"] == pytest.approx(found[0]["peak"]["epoch"])
    assert {f["shape"] for f in found} == {"double_descent"}
    text = run(path, "--rule", "loss").stdout
    assert "%" not in text and "loss @ epoch" in text
    below = write(tmp_path / "n.csv", epoch=EPOCHS, nll=4 * TEST + noise - 3)
    assert verdict(below, "--rule", "loss")["peak"]["error"] == pytest.approx(0.72 - 3, abs=0.05)
    errors = write(tmp_path / "e.csv", epoch=EPOCHS, test_error=TEST)
    assert "leave --rule away" in refused(errors, "--metric", "test_error", "--rule", "loss")
