"""Heads adapted in closed form, through the trial: the time series, image classes and image regression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orchestrator.store.ledger import Ledger
from orchestrator.train.methods.analytic.last_two import ROUNDS
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from sweeps.records import ADAPTATION
from sweeps.spec import RunSpec
from sweeps.sweep import overlay
from tasks import target_data
from tests.orchestrator.small_runs import curve, opened, run_of, small, source_of

POINTS = 200
SERIES: dict[str, Any] = {
    "source": {
        "task": "sine_drift(drift=0)",
        "size": 2000,
        "epochs": 600,
        "evaluate": "log",
        "batch_size": 2000,
        "learning_rate": 0.01,
        "loss": "squared",
    },
    "target": {"task": "sine_drift(drift=1.0)", "size": POINTS, "label_noise": 0.0},
    "model": {"family": "mlp", "depth": 2, "width": 16, "inputs": 1},
    "transfer": {"frozen": 2, "head": "source"},
    "train": {"loss": "squared"},
}


def series(**changes: Any) -> RunSpec:
    return RunSpec.model_validate(overlay(SERIES, changes))


class Store:
    """A store, and runs in it; each source model is trained once."""

    def __init__(self, folder: Path) -> None:
        self.ledger: Ledger
        self.options: TrialOptions
        self.ledger, self.options = opened(folder)

    def run(self, spec: RunSpec) -> tuple[dict[str, list[Any]], dict[str, float | None]]:
        """The curve and the recorded measures of a run."""
        jobs = [run_of(spec)] if spec.source is None else [source_of(spec), run_of(spec)]
        for job in jobs:
            assert run_trial(job, self.options) == "done"
        record = self.ledger.result(jobs[-1])
        assert record is not None
        return curve(self.ledger, jobs[-1]), {name: values[-1] for name, values in (record.measures or {}).items()}

    def squares(self, **changes: Any) -> float:
        """Sum of squared errors over the training points."""
        rows, _ = self.run(series(**changes))
        return POINTS * rows["train_loss"][-1]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("analytic"))


def features(store: Store, spec: RunSpec) -> tuple[np.ndarray, np.ndarray]:
    """What the head of the source's network reads of the target points, with ones, and the targets: by NumPy."""
    from safetensors.torch import load

    source = source_of(spec)
    record = store.ledger.result(source)
    assert record is not None and record.weights_sha256 is not None
    tensors = load(store.ledger.weights(source.id, record.weights_sha256))
    weights = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    data = target_data(spec)
    z = data.inputs.double().numpy()
    for unit in ("stem", "hidden2"):
        z = np.maximum(z @ weights[f"{unit}.1.weight"].T + weights[f"{unit}.1.bias"], 0)
    return np.concatenate([z, np.ones((len(z), 1))], 1), data.labels.double().numpy()


def test_exact_adaptation_is_least_squares(store: Store) -> None:
    found = store.squares(train={"method": "lva_exact"})
    z, y = features(store, series())
    solved, *_ = np.linalg.lstsq(z, y, rcond=None)
    expected = float(((y - z @ solved) ** 2).sum())
    assert found == pytest.approx(expected, rel=1e-5)  # features here are float64, the network's float32
    _, measured = store.run(series(train={"method": "lva_exact"}))
    residual = measured["residual_share"]
    assert residual is not None
    unadapted = store.squares(train={"method": "unadapted"})
    assert residual * unadapted == pytest.approx(expected, rel=1e-6)
    assert measured["effective_rank"] == np.linalg.matrix_rank(z)


def test_every_way_is_between_least_squares_and_nothing(store: Store) -> None:
    ways = ("unadapted", "lva_perturb", "lva_ridge", "lva_exact")
    squares = [store.squares(train={"method": way}) for way in ways]
    assert squares == sorted(squares, reverse=True) and squares[0] > squares[-1]
    descent = store.squares(train={"epochs": 200, "batch_size": POINTS, "evaluate": "log"})
    assert squares[-1] < descent < squares[0]


def test_two_layers_do_no_worse_than_one(store: Store) -> None:
    for way in ("lva_exact", "lva_ridge"):
        one, two = (store.squares(train={"method": way}, transfer={"frozen": frozen}) for frozen in (2, 1))
        assert two < one, way
        _, measured = store.run(series(train={"method": way}, transfer={"frozen": 1}))
        rounds, moved = measured["hidden_rounds"], measured["hidden_weight_change"]
        assert rounds is not None and 1 <= rounds <= ROUNDS and moved is not None and moved > 0


def test_without_a_shift_the_expansion_is_exact(store: Store) -> None:
    """Of a target equal to its source samples J dx is 0: perturbative and exact adaptation are one."""
    still = {"target": {"task": "sine_drift(drift=0.0)"}}
    exact, perturb = (store.squares(**still, train={"method": way}) for way in ("lva_exact", "lva_perturb"))
    assert perturb == pytest.approx(exact, rel=1e-6)
    _, measured = store.run(series(**still, train={"method": "lva_exact"}))
    assert (measured["feature_shift"], measured["target_shift"], measured["first_order_error"]) == (0.0, 0.0, None)


def test_the_condition_grows_with_the_shift(store: Store) -> None:
    rows = []
    for drift in (0.05, 0.5, 2.0):
        _, measured = store.run(series(target={"task": f"sine_drift(drift={drift})"}, train={"method": "lva_perturb"}))
        rows.append([measured[name] for name in ("feature_shift", "target_shift", "first_order_error")])
    assert np.all(np.diff(np.array(rows, dtype=float), axis=0) > 0), rows


def test_a_small_shift_is_adapted_to_first_order(store: Store) -> None:
    """The perturbative way loses to the exact one as the square of the shift: nothing of note at a small one."""
    losses = {}
    for drift in (0.02, 1.0):
        task = {"target": {"task": f"sine_drift(drift={drift})"}}
        exact, perturb = (store.squares(**task, train={"method": way}) for way in ("lva_exact", "lva_perturb"))
        losses[drift] = perturb / exact
    assert 1 - 1e-5 < losses[0.02] < 1.02 < losses[1.0]


def test_what_is_recorded(store: Store) -> None:
    rows, measured = store.run(series(train={"method": "lva_ridge"}))
    unadapted, nothing = store.run(series(train={"method": "unadapted"}))
    hidden = {"hidden_rounds", "hidden_weight_change"}
    assert set(measured) == set(ADAPTATION) - hidden and nothing == {}
    assert measured["unadapted_test_error"] == unadapted["test_error"][0]
    assert measured["unadapted_train_loss"] == unadapted["train_loss"][0]
    harm, penalty = measured["adaptation_harm"], measured["penalty"]
    assert harm == pytest.approx(rows["test_error"][0] - unadapted["test_error"][0])
    assert penalty is not None and penalty > 0
    assert (rows["epoch"], rows["step"], unadapted["step"]) == ([1], [1], [0])
    assert rows["train_error_flipped_given"] == [None] and rows["train_error_clean"] == rows["train_error"]


def test_a_head_of_classes_is_adapted_and_compared_by_leaving_out(store: Store) -> None:
    frozen = {"transfer": {"frozen": 7}, "target": {"label_noise": 0.0, "size": 64}}
    rows, measured = store.run(small(**frozen, train={"loss": "squared", "method": "lva_ridge"}))
    before, _ = store.run(small(**frozen, train={"loss": "squared", "method": "unadapted"}))
    assert rows["test_loss"][0] < before["test_loss"][0] and rows["test_error"][0] < before["test_error"][0]
    assert "feature_shift" not in measured  # digits are no shifted letters
    assert measured["adaptation_harm"] is not None and measured["adaptation_harm"] < 0


def test_a_convolution_is_adapted_by_unfolding(store: Store) -> None:
    base: dict[str, Any] = {
        "source": {"task": "noisy_digits(noise=0.1)", "size": 60, "epochs": 5, "batch_size": 20, "loss": "squared"},
        "target": {"task": "noisy_digits(noise=0.4)", "size": 40},
        "model": {"family": "fcn", "depth": 3, "width": 6},
        "transfer": {"frozen": 2, "head": "source"},
        "train": {"loss": "squared", "batch_size": 20},
    }
    found: dict[str, dict[str, list[Any]]] = {}
    for way in ("unadapted", "lva_ridge", "lva_exact"):
        found[way], _ = store.run(RunSpec.model_validate(overlay(base, {"train": {"method": way}})))
    found["gradient"], _ = store.run(RunSpec.model_validate(overlay(base, {"train": {"epochs": 20}})))
    train = {way: rows["train_loss"][-1] for way, rows in found.items()}
    assert train["lva_exact"] <= train["lva_ridge"] < train["unadapted"]
    assert train["lva_exact"] < train["gradient"] < train["unadapted"]
    assert found["lva_ridge"]["test_loss"][0] < found["unadapted"]["test_loss"][0]


def test_the_head_may_start_in_closed_form_and_then_descend(store: Store) -> None:
    """The first step is from the solution: a rate of next to nothing leaves its loss."""
    descent: dict[str, Any] = {"epochs": 2, "batch_size": POINTS, "learning_rate": 1e-9}
    exact = store.squares(train={"method": "lva_exact"})
    spec = series(train={**descent, "head_start": "lva_exact"}, transfer={"frozen": 0})
    assert POINTS * store.run(spec)[0]["train_loss"][-1] == pytest.approx(exact, rel=1e-4)
    record = store.ledger.result(run_of(spec))
    assert record is not None
    assert any(note.startswith("head started by lva_exact: residual_share") for note in record.notes)
    plain = store.squares(train=descent, transfer={"frozen": 0})
    assert plain == pytest.approx(store.squares(train={"method": "unadapted"}), rel=1e-4)


def test_the_sources_head_is_kept(store: Store) -> None:
    """With nothing shifted the unadapted network has the source's own loss; with a fresh head it has not."""
    source_rows = curve(store.ledger, source_of(series()))
    whole = {"target": {"task": "sine_drift(drift=0.0)", "size": 2000}, "train": {"method": "unadapted"}}
    kept, _ = store.run(series(**whole))
    fresh, _ = store.run(series(**whole, transfer={"head": None}))
    assert kept["train_loss"][0] == pytest.approx(source_rows["train_loss"][-1], rel=1e-5)
    assert fresh["train_loss"][0] > 2 * kept["train_loss"][0]


def test_torch_is_left_as_it_was(store: Store) -> None:
    before = torch.get_default_dtype()
    store.run(series(train={"method": "lva_exact"}))
    assert torch.get_default_dtype() == before == torch.float32
