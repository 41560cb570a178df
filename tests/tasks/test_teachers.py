"""Linear and polynomial teachers: moments, nesting, alignment, noise."""

from __future__ import annotations

import numpy as np
import pytest

from sweeps.spec import ModelSpec, RunSpec
from tasks import canonical_name, check, outputs_of, target_data, vector_length
from tasks.names import parse


def samples(task: str, size: int, role: str = "target", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    found = parse(task)
    return found.dataset.train((), role, size, seed, 8)  # type: ignore[arg-type, return-value]


def test_targets_have_mean_zero_and_variance_one_and_degrees_are_uncorrelated() -> None:
    x, linear = samples("linear_teacher(dimension=20)", 40_000)
    _, square = samples("polynomial_teacher(dimension=20,degree=2)", 40_000)
    _, cube = samples("polynomial_teacher(dimension=20,degree=3)", 40_000)
    assert x.shape == (40_000, 20) and linear.shape == (40_000, 1)
    moments = np.cov(np.hstack([linear, square, cube]).T)
    np.testing.assert_allclose(moments, np.eye(3), atol=0.06)
    np.testing.assert_allclose(linear[:, 0], x[:, 0])
    np.testing.assert_allclose(square[:, 0], (x[:, 0] ** 2 - 1) / np.sqrt(2), rtol=1e-4, atol=1e-5)


def test_alignment_is_the_correlation_of_two_teachers() -> None:
    _, first = samples("linear_teacher(dimension=5)", 40_000)
    _, other = samples("linear_teacher(dimension=5,alignment=0.6)", 40_000)
    assert np.corrcoef(first[:, 0], other[:, 0])[0, 1] == pytest.approx(0.6, abs=0.02)


def test_samples_are_nested_and_roles_and_seeds_differ() -> None:
    task = "linear_teacher(dimension=7,noise=0.5)"
    for few, many in zip(samples(task, 10), samples(task, 100), strict=True):
        assert np.array_equal(few, many[:10])
    assert not np.array_equal(samples(task, 10)[0], samples(task, 10, role="source")[0])
    assert not np.array_equal(samples(task, 10)[0], samples(task, 10, seed=1)[0])


def test_noise_is_on_training_targets_alone() -> None:
    x, noisy = samples("linear_teacher(dimension=7,noise=0.5)", 20_000)
    assert (noisy[:, 0] - x[:, 0]).std() == pytest.approx(0.5, rel=0.03)
    dataset = parse("linear_teacher(dimension=7,noise=0.5)").dataset
    tested, truth = dataset.test((), 8)
    assert isinstance(tested, np.ndarray)
    assert tested.shape == (2000, 7) and np.array_equal(truth[:, 0], tested[:, 0])


def test_a_task_has_one_name_and_says_what_a_network_reads() -> None:
    name = "linear_teacher(alignment=1.0,dimension=100,noise=0.0)"
    assert canonical_name("linear_teacher") == name == canonical_name("linear_teacher(noise=0)")
    assert outputs_of("polynomial_teacher") == 1 and vector_length("polynomial_teacher(dimension=20)") == 20
    with pytest.raises(ValueError, match=r"alignment"):
        parse("linear_teacher(alignment=1.5)")


def test_it_is_a_run_s_data() -> None:
    part = {"task": "polynomial_teacher(dimension=20)", "size": 30}
    spec = RunSpec.model_validate(
        {"source": None, "target": part, "model": ModelSpec(family="mean_field_mlp", depth=2, width=8, inputs=20)}
    )
    check(spec)
    data = target_data(spec)
    assert data.is_regression and data.outputs == 1
    assert data.inputs.shape == (30, 20) and data.test_inputs.shape == (2000, 20)
