"""From specifications and recipes to predictions: which theory a run has, and what it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from analysis.theory import width_prediction as module
from analysis.theory.gradient_filter import Readout
from analysis.theory.linear_transfer import transfer_loss
from analysis.theory.readout_prediction import EXACT, kind_of, predicted_curve
from analysis.theory.width_prediction import CLOSED_FORM, InfiniteWidth, Teacher, has_infinite_width, teacher_of
from sweeps.spec import Recipe, RunSpec, TransferSpec


def teacher(name: str, **given: Any) -> str:
    values = {"alignment": 1.0, "dimension": 20, "noise": 0.0, **given}
    return f"{name}({','.join(f'{key}={value}' for key, value in sorted(values.items()))})"


def predicted(spec: RunSpec) -> module.Prediction:
    return InfiniteWidth().prediction(spec)


def run(**given: Any) -> RunSpec:
    spec: dict[str, Any] = {
        "source": {"task": teacher("linear_teacher"), "size": 40, "optimizer": "sgd", "batch_size": 100, "epochs": 200,
                   "learning_rate": 0.1, "loss": "squared"},
        "target": {"task": teacher("linear_teacher"), "size": 10},
        "model": {"family": "mean_field_mlp", "depth": 2, "width": 50, "inputs": 20, "activation": "linear"},
        "transfer": {"frozen": 1},
        "train": {"loss": "squared", "method": "lva_exact"},
    }  # fmt: skip
    for path, value in given.items():
        section, _, field = path.partition("__")
        spec[section] = {**spec[section], field: value} if field else value
    return RunSpec.model_validate(spec)


def test_linear_readouts_have_the_closed_form() -> None:
    found = predicted(run(model__richness=0.5))
    assert found.test_error == pytest.approx(transfer_loss(0.5 * math.sqrt(20), 0.5, 1.0, 2.0))
    assert found.kind == CLOSED_FORM and math.isnan(found.source_error)
    assert predicted(run(source=None)).test_error == pytest.approx(0.5)
    noisy = run(
        source__task=teacher("linear_teacher", noise=0.5), target__task=teacher("linear_teacher", alignment=0.6)
    )
    expected = transfer_loss(math.sqrt(20), 0.5, 0.6, 2.0, 0.5)
    assert predicted(noisy).test_error == pytest.approx(expected)


def test_what_a_task_says() -> None:
    spec = run(target__task=teacher("polynomial_teacher", degree=3, noise=0.1, alignment=0.5))
    assert teacher_of(spec.target) == Teacher(20, 3, 0.5, 0.1)
    assert has_infinite_width(spec)
    assert not has_infinite_width(run(train__loss=None))
    with pytest.raises(ValueError, match=r"^task digits: allowed without the run's own samples: linear_teacher"):
        predicted(run(target__task="digits", model__activation="relu"))


def test_teachers_draw_what_their_names_say() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = Teacher(20, 2, 0.6, 0.0).drawn(50_000, rng)
    assert (inputs**2).sum(1).mean() == pytest.approx(1.0, rel=0.01)
    assert targets.mean() == pytest.approx(0.0, abs=0.03) and targets.var() == pytest.approx(1.0, rel=0.05)
    along = math.sqrt(20) * (0.6 * inputs[:, 0] + 0.8 * inputs[:, 1])
    np.testing.assert_allclose(targets, (along**2 - 1) / math.sqrt(2))


def test_particles_predict_what_has_no_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARTICLES", 400)
    square = teacher("polynomial_teacher", degree=2)
    lazy, rich = (
        predicted(run(model__activation="relu", model__richness=gamma, target__task=square, target__size=60))
        for gamma in (0.01, 1.0)
    )
    assert rich.kind == "400 particles on samples drawn anew"
    assert rich.test_error < lazy.test_error - 0.1
    train = {"loss": "squared", "optimizer": "sgd", "batch_size": 100, "epochs": 50, "learning_rate": 0.1}
    on = run(model__activation="relu", target__task=square, target__size=60, transfer={"frozen": 0}, train=train)
    found = predicted(on)
    assert 0 < found.test_error < 2 and 0 < found.source_error < 1
    assert math.isnan(rich.source_error)


def test_a_recipe_without_a_theory_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"^source\.optimizer = adam: allowed for a theory of rich training: sgd$"):
        predicted(run(model__activation="relu", source__optimizer="adam"))
    with pytest.raises(ValueError, match=r"^source\.batch_size = 10: allowed for a theory of rich training: 40$"):
        predicted(run(model__activation="relu", source__batch_size=10))
    with pytest.raises(ValueError, match=r"^train\.optimizer = adam: allowed for a theory of the readout: sgd$"):
        kind_of(Recipe(), 2)
    with pytest.raises(ValueError, match=r"^train\.steps = 7: allowed for a theory of the readout: a multiple of 2$"):
        kind_of(Recipe(optimizer="sgd", steps=7, epochs=0), 2)  # its last epoch is half of one
    with pytest.raises(ValueError, match=r"^transfer\.rate_factors = .*: allowed for a theory of the readout: None$"):
        kind_of(Recipe(optimizer="sgd"), 2, TransferSpec.model_validate({"frozen": 1, "rate_factors": [0, 0.5]}))


@pytest.mark.parametrize(
    ("frozen", "field", "value"),
    [(1, "head", "source"), (1, "inherit", {"share": 0.5}), (0, "inherit", {"share": 0.5}), (0, "rate_factors", [0.1])],
)
def test_a_transfer_that_no_theory_here_is_of_is_not_predicted_as_another(
    frozen: int, field: str, value: object
) -> None:
    transfer = TransferSpec.model_validate({"frozen": frozen, field: value})
    for activation in ("linear", "relu"):
        spec = run(model__activation=activation).model_copy(update={"transfer": transfer})
        with pytest.raises(ValueError, match=rf"^transfer\.{field}: allowed for a theory of infinite width: null$"):
            predicted(spec)


def test_how_exact_a_prediction_is() -> None:
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=100, loss="squared", momentum=0.5)
    assert kind_of(recipe, 1).name == EXACT
    assert kind_of(recipe, 1).descent == (0.1, 0.5, 1)
    few = kind_of(recipe, 3)
    assert few.name == "surrogate: full batches for minibatches" and few.descent.steps_per_epoch == 3
    entropy = kind_of(Recipe(optimizer="sgd", learning_rate=0.1, batch_size=100), 1)
    assert entropy.name == "surrogate: cross-entropy linearised" and entropy.descent.rate == 0.05
    assert not entropy.predicts_losses


def test_linearised_cross_entropy_is_its_beginning() -> None:
    """While logits are small, the predicted classes are those of descent on cross-entropy itself."""
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((40, 6)), rng.standard_normal((200, 6))
    centres = rng.standard_normal((6, 3))
    y, truth = (np.eye(3)[(z @ centres).argmax(1)] for z in (x, t))
    kind = kind_of(Recipe(optimizer="sgd", learning_rate=0.02, batch_size=100), 1)
    start = 0.01 * rng.standard_normal((6, 3))
    found = predicted_curve(Readout(x, y, t, truth, start), kind, np.arange(1, 31))
    weights = start.copy()
    errors = []
    for _ in range(30):
        exponents = np.exp(x @ weights)
        weights -= 0.02 * x.T @ (exponents / exponents.sum(1, keepdims=True) - y) / 40
        errors.append(np.mean((t @ weights).argmax(1) != truth.argmax(1)))
    assert np.abs(found.test_error - errors).max() <= 0.02
    assert np.isnan(found.test_loss).all()
