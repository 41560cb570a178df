"""`frostline theory`: predictions beside what the product's own runs measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.loaded import load
from analysis.overlay.readouts import peak_epoch
from analysis.overlay.widths import difference_text, width_cells
from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from analysis.theory.gradient_filter import Descent, Readout, readout_curve
from frostline.cli import main
from frostline.window.content import added_by_run, sweep_content
from frostline.window.results import write_results
from orchestrator.head_inputs import HeadInputs, head_inputs, worker_state
from sweeps import layout
from sweeps.store.folder import Folder
from sweeps.sweep import read
from tests.analysis.store_factory import whole

DIGITS = """
name: overlay
edition: 2
base:
  source: {task: "glyphs[0-9]", size: 300, epochs: 2}
  target: {task: digits, size: 40, label_noise: 0.2}
  model: {family: resnet, depth: 8, width: 4}
  transfer: {frozen: 7}
  train: {optimizer: sgd, learning_rate: 0.3, batch_size: 2000, epochs: 300, loss: squared}
blocks:
  - axes: {target.label_noise: [0.0, 0.2]}
  - base: {train: {loss: null}}
  - base: {transfer: {frozen: 6}}
  - base: {train: {loss: null, learning_rate: 200.0, epochs: 3}}
  - base: {transfer: {norm: stats}, train: {epochs: 3}}
  - base: {target: {size: 65}, train: {batch_size: 64, batches: null, epochs: 30}}
"""
TEACHERS = """
name: teachers
edition: 2
base:
  source:
    task: {name: linear_teacher, dimension: 40}
    size: 160
    epochs: 400
    optimizer: sgd
    learning_rate: 0.3
    batch_size: 1000
    loss: squared
    evaluate: log
  target: {task: {name: linear_teacher, dimension: 40}, size: 20}
  model: {family: mean_field_mlp, depth: 2, width: 2000, inputs: 40, richness: 0.3, activation: linear}
  transfer: {frozen: 1}
  train: {method: lva_exact, loss: squared}
axes: {target.size: [10, 20, 30], seed: 0..3}
"""


PIXELS = """
name: pixels
edition: 2
base:
  source: {task: noisy_digits, size: 100, epochs: 2, loss: squared}
  target: {task: {name: noisy_digits, noise: 0.5}, size: 60}
  model: {family: mlp, depth: 2, width: 12}
  transfer: {frozen: 2}
  train: {optimizer: sgd, learning_rate: 0.5, batch_size: 1000, epochs: 40, loss: squared}
blocks:
  - base: {}
  - base: {model: {family: mean_field_mlp, depth: 2, width: 12}, transfer: {frozen: 1}}
"""


def ran(text: str, folder: Path) -> tuple[Path, Path]:
    file, store = folder / "sweep.yaml", folder / "store"
    file.write_text(text)
    assert main(["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    return file, store


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return ran(DIGITS, tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def noisy(digits: tuple[Path, Path]) -> HeadInputs:
    """What the head reads of the run with label noise."""
    file, store = digits
    (run,) = [
        run
        for run in load(file, store).stored.runs
        if (run.fields["target.label_noise"], run.fields["transfer.frozen"]) == (0.2, 7)
        and (run.spec.train.loss, run.spec.train.epochs) == ("squared", 300)
    ]
    return head_inputs(run.id, run.spec, worker_state(store))


def trained(inputs: HeadInputs, rate: float, epochs: int) -> np.ndarray:
    """Train and test losses and the test error after each epoch (epochs, 3) of a torch layer, float64, full batch."""
    x, y, t, truth = (torch.from_numpy(part) for part in inputs[:2] + inputs[3:5])
    weights = torch.from_numpy(inputs.start).clone().requires_grad_()
    optimizer = torch.optim.SGD([weights], rate)
    rows = []
    for _ in range(epochs):
        optimizer.zero_grad()
        (x @ weights - y).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            fitted, tested = x @ weights, t @ weights
            losses = (fitted - y).square().mean().item(), (tested - truth).square().mean().item()
            rows.append((*losses, (tested.argmax(1) != truth.argmax(1)).double().mean().item()))
    return np.array(rows)


def test_frozen_features_predict_the_curve_of_a_linear_head(noisy: HeadInputs) -> None:
    """Squared error, full batches, label noise: within 1e-6 relative at every epoch."""
    inputs, rate, epochs = noisy, 0.3, 2000
    measured = trained(inputs, rate, epochs)
    task = Readout(inputs.features, inputs.targets, inputs.test_features, inputs.test_targets, inputs.start)
    found = readout_curve(task, Descent(rate), np.arange(1, epochs + 1))
    np.testing.assert_allclose(found.train_loss, measured[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.test_loss, measured[:, 1], rtol=1e-6)
    np.testing.assert_array_equal(found.test_error, measured[:, 2])


def test_double_descent_that_training_shows_is_predicted_at_the_same_epoch(noisy: HeadInputs) -> None:
    """Digits' features beside strong directions without meaning, which fit noise before the weak ones are learnt."""
    rng = np.random.default_rng(1)
    rows, centre = np.arange(len(noisy.test_features)), noisy.features[:, :-1].mean(0)
    taught = rows[:120]
    sets = (noisy.test_features[taught], noisy.test_features[120:])
    x, t = (np.hstack([z[:, :-1] - centre, 15 * rng.standard_normal((len(z), 60))]) for z in sets)
    targets = noisy.test_targets[taught].copy()
    targets[:24] = np.roll(targets[:24], 1, axis=1)  # a fifth of the labels wrong
    inputs = HeadInputs(x, targets, targets, t, noisy.test_targets[120:], np.zeros((x.shape[1], 10)), False)
    rate = 5 * 120 / float(np.linalg.norm(x, 2)) ** 2  # half of what is stable
    measured = trained(inputs, rate, 6000)
    found = readout_curve(Readout(x, targets, t, inputs.test_targets, inputs.start), Descent(rate), np.arange(1, 6001))
    np.testing.assert_allclose(found.test_loss, measured[:, 1], rtol=1e-6)
    loss = measured[:, 1]
    peak = peak_epoch(found.epochs, loss)
    assert peak == peak_epoch(found.epochs, found.test_loss)
    at = int(peak) - 1
    assert loss[at] > 1.05 * loss[:at].min() and loss[at:].min() < 0.95 * loss[at]


def test_the_command_puts_theory_beside_the_runs(
    digits: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, store = digits
    monkeypatch.setattr("frostline.theory.MOST_REASONS", 1)
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path / "short")]) == 0
    assert "without a theory: 2 runs more: 2 other reasons" in capsys.readouterr().out
    monkeypatch.undo()
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "readouts, exact: 3 runs" in told
    assert "without a theory: 1 runs: transfer.frozen = 6: allowed for a theory of the readout: 7" in told
    assert "without a theory: 1 runs: transfer.norm = stats: allowed for a theory of the readout: eval" in told
    assert "without a theory: 1 runs: learning rate 100: the descent diverges; allowed: at most" in told
    rows = pd.read_csv(tmp_path / "theory_runs.csv")
    assert list(rows["theory_kind"]).count("exact") == 3  # of 65 samples the last one joins the batch of 64
    exact = rows.loc[rows["theory_kind"] == "exact"]
    error, loss, expected = (
        exact[f"theory_{name}"].to_numpy(dtype=np.float64)
        for name in ("difference", "loss_difference", "expected_loss")
    )
    assert (np.abs(error) < 0.01).all() and (loss < 1e-3).all()  # the run computes in float32
    assert np.isfinite(expected).sum() == 1  # without label noise alone
    assert rows["theory_alignment"].between(0, 1).all()
    epochs = pd.read_csv(tmp_path / "theory_epochs.csv")
    assert len(epochs) == 3 * 300 + 30 and epochs["theory_test_error"].between(0, 1).all()
    for end in ("png", "pdf"):
        assert (tmp_path / "figures" / f"theory_over_epochs.{end}").stat().st_size > 1000
    page = (tmp_path / "theory.html").read_text()
    assert "overlay: theory beside measurement" in page and page.count("<img") == 1 and "theory_alignment" in page


def shown(file: Path, store: Path, folder: Path) -> tuple[pd.DataFrame, str]:
    """The table `theory` and the page, as `frostline report` writes them."""
    assert main(["report", str(file), "--store", str(store), "--out", str(folder / "report.html")]) == 0
    return pd.read_csv(folder / "theory.csv"), (folder / "report.html").read_text()


def test_reports_tables_and_weights_and_biases_show_what_was_predicted(
    digits: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the store alone: features are not computed again."""
    file, store = digits
    key = layout.theory("overlay", read(str(file)).digest)
    (store / key).unlink(missing_ok=True)
    assert main(["report", str(file), "--store", str(store), "--out", str(tmp_path / "report.html")]) == 0
    assert "Theory beside measurement" not in (tmp_path / "report.html").read_text()
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path / "theory")]) == 0
    table, page = shown(file, store, tmp_path)
    rows = pd.read_csv(tmp_path / "theory" / "theory_runs.csv").set_index("run_id").loc[table["run_id"]]
    assert len(table) == 4
    for name in ("theory_kind", "theory_test_error", "theory_difference"):
        assert table[name].tolist() == rows[name].tolist()
    assert "Theory beside measurement" in page and "theory_difference" in page
    assert (tmp_path / "figures" / "theory_over_epochs.png").is_file()
    results = write_results(read(str(file)), Folder(store), tmp_path / "window")
    content = sweep_content(results, [], None)
    assert len(content.tables["tables/theory"].rows) == 4 and "theory.csv" in content.files
    assert content.figures["figures/theory_over_epochs"][0].is_file()
    said = {id: added for id, added in added_by_run(results).items() if "theory/test_error" in added}
    assert {id: added["theory/test_error"] for id, added in said.items()} == pytest.approx(
        dict(zip(table["run_id"], table["theory_test_error"], strict=True))
    )
    altered = (store / key).read_bytes().replace(b'"exact"', b'"exalt"')
    (store / key).write_bytes(altered)
    capsys.readouterr()
    assert main(["report", str(file), "--store", str(store), "--out", str(tmp_path / "report.html")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    (store / key).unlink()


def test_runs_on_teachers_meet_the_closed_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, store = ran(TEACHERS, tmp_path)
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path / "out")]) == 0
    assert "mean-field networks: 3 cells: relative difference" in capsys.readouterr().out
    cells = pd.read_csv(tmp_path / "out" / "theory_cells.csv")
    assert list(cells["target.size"]) == [10, 20, 30]
    high, low, difference, predicted = (
        cells[name].to_numpy(dtype=np.float64)
        for name in ("final_test_error_high", "final_test_error_low", "theory_difference", "theory_test_error")
    )
    assert (np.abs(difference) <= (high - low) / 2 + 5 / 40 * predicted + 0.02).all()
    assert (tmp_path / "out" / "figures" / "theory_by_target-size.png").is_file()
    table, page = shown(file, store, tmp_path / "report")
    assert len(table) == 12 and sorted(set(table["theory_test_error"])) == pytest.approx(sorted(predicted))
    assert (tmp_path / "report" / "figures" / "theory_by_target-size.png").is_file() and "closed form" in page


def test_nothing_is_relative_to_a_prediction_of_nothing(tmp_path: Path) -> None:
    """From as many samples on as there are dimensions, a linear teacher without noise is learnt exactly."""
    teacher = "{name: linear_teacher, dimension: 40, alignment: 1, noise: 0}"
    text = f"""
name: exact
base:
  source: null
  target: {{task: {teacher}, size: 20}}
  model: {{family: mean_field_mlp, depth: 2, width: 200, inputs: 40, activation: linear}}
  transfer: {{frozen: 1}}
  train: {{method: lva_exact, loss: squared}}
axes: {{target.size: [20, 60], seed: 0..1}}
"""
    sweep = whole(tmp_path, text, lambda spec, epochs: (np.full(len(epochs), 0.1), np.zeros(len(epochs))))
    cells = width_cells(collect(read_sweep(sweep, tmp_path)))
    assert cells["theory_test_error"].tolist() == [0.5, 0.0]
    assert cells["theory_difference"].to_numpy() == pytest.approx([-0.4, 0.1])
    assert cells["theory_relative"].to_numpy() == pytest.approx([-0.8, np.nan], nan_ok=True)
    assert difference_text(cells) == "1 cells: relative difference 80.0% in the median, 80.0% at most"


def test_a_regression_of_many_values_is_no_classification(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its error is the share of the pixels' variance that is left, not how often the brightest pixel is another."""
    file, store = ran(PIXELS, tmp_path)
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path / "out")]) == 0
    rows = pd.read_csv(tmp_path / "out" / "theory_runs.csv")
    assert rows["theory_kind"].tolist() == ["exact"]
    assert rows["theory_test_error"].to_numpy() == pytest.approx(rows["final_test_error"].to_numpy(), rel=1e-3)
    (cell,) = pd.read_csv(tmp_path / "out" / "theory_cells.csv").to_dict("records")
    assert cell["theory_kind"] == "none: a regression of 64 values: allowed for infinite width: classes, or one value"
    assert "no cell has both" in capsys.readouterr().out

    path = store / layout.theory(read(str(file)).name, read(str(file)).digest)
    folder = next(each for each in path.parents if each.parent == store)
    shutil.rmtree(folder)
    folder.touch()  # the predictions have no place: as in a store that is not ours to write
    assert main(["theory", str(file), "--store", str(store), "--out", str(tmp_path / "again")]) == 0
    assert "not kept in the store, so tables, reports and W&B go without theory: " in capsys.readouterr().out
    assert (tmp_path / "again" / "theory.html").is_file() and folder.read_bytes() == b""


def test_a_peak_is_the_largest_rise_that_is_followed_by_a_fall() -> None:
    epochs = np.arange(1, 7)
    assert peak_epoch(epochs, np.array([5.0, 2.0, 3.0, 4.0, 3.0, 1.0])) == 4
    assert np.isnan(peak_epoch(epochs, np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5])))
    assert np.isnan(peak_epoch(epochs, np.array([5.0, 2.0, 3.0, 4.0, 5.0, 6.0])))
    assert np.isnan(peak_epoch(epochs[:2], np.array([1.0, 2.0])))


def test_the_theory_of_a_sweep_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["theory", "quickstart", "--store", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["infinite_width_linear", "infinite_width_polynomial", "theory_overlay_digits"])
def test_sweeps_of_the_catalog_are_planned(name: str, tmp_path: Path) -> None:
    assert main(["plan", name, "--store", str(tmp_path)]) == 0
    assert read(name).edition == 2
