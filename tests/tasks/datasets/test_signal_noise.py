"""The signal-and-noise task: strengths, orthogonality, noise, nested samples, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sweeps.spec import RunSpec
from tasks import canonical_name, check, source_data, target_data
from tasks.datasets.signal_noise import SignalNoise, samples

DIMENSION, SIDE = 400, 29
HALF = SIDE**2 // 2


def spec(size: int = 60, side: int = SIDE, seed: int = 0, **values: Any) -> RunSpec:
    task = {"name": "signal_noise", "dimension": DIMENSION}
    return RunSpec.model_validate(
        {
            "source": {"task": {**task, "direction": 1, **values}, "size": size},
            "target": {"task": {**task, "direction": 2, **values}, "size": size},
            "model": {"family": "two_layer_relu_cnn", "depth": 2, "width": 4, "image_size": side},
            "seed": seed,
        }
    )


def patches(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    pixels = images.flatten(1).numpy()
    return pixels[:, :HALF], pixels[:, HALF : 2 * HALF]


def test_the_signal_patch_is_the_class_times_both_signals() -> None:
    data = target_data(spec(universal=1.5, specific=4.5))
    assert data.signals is not None
    signal, _ = patches(data.inputs)
    u, v = (data.signals[name].numpy() for name in ("universal", "specific_2"))
    y = 2 * data.labels.numpy() - 1
    expected = y[:, None] * (np.sqrt(1.5) * u + np.sqrt(4.5) * v)
    np.testing.assert_allclose(signal, expected, rtol=1e-6)
    assert np.bincount(data.labels.numpy()).tolist() == [30, 30]
    assert len(data.test_labels) == 2000 and data.black == 0


def test_signals_are_orthonormal_and_shared_by_source_and_target() -> None:
    source, target = source_data(spec()), target_data(spec())
    assert source.signals is not None and target.signals is not None
    assert list(source.signals) == ["universal", "specific_1", "specific_2"] == list(target.signals)
    basis = torch.stack(list(source.signals.values()))
    assert torch.equal(basis @ basis.T, torch.eye(3))
    assert all(torch.equal(source.signals[name], target.signals[name]) for name in source.signals)
    at_source, at_target = (patches(data.inputs)[0] for data in (source, target))
    assert (at_source @ basis[1].numpy()).any() and not (at_source @ basis[2].numpy()).any()
    assert (at_target @ basis[2].numpy()).any() and not (at_target @ basis[1].numpy()).any()


def test_noise_has_its_deviation_and_no_component_along_the_signals() -> None:
    data = target_data(spec(size=400, noise=0.5))
    _, noise = patches(data.inputs)
    assert not noise[:, [0, 2]].any() and noise[:, 1].any() and not noise[:, DIMENSION:].any()
    inside = np.delete(noise[:, :DIMENSION], [0, 2], axis=1)
    assert inside.std() == pytest.approx(0.5, rel=0.01) and abs(inside.mean()) < 0.005
    _, fresh = patches(source_data(spec(size=400, noise=0.5)).inputs)
    assert abs(float((noise * fresh).mean())) < 0.005  # source and target are drawn apart


def test_samples_are_nested_and_of_their_seed() -> None:
    few, many = target_data(spec(size=10)), target_data(spec(size=60))
    assert torch.equal(few.inputs, many.inputs[:10])
    assert not torch.equal(few.inputs, target_data(spec(size=10, seed=1)).inputs)
    assert torch.equal(few.test_inputs, target_data(spec(size=10, seed=1)).test_inputs)


def test_strengths_are_a_scale_of_the_same_draws() -> None:
    one = samples(SignalNoise(noise=1.0, dimension=DIMENSION), (0, 1), "target", 4, 0, SIDE)[0]
    half = samples(SignalNoise(noise=0.5, dimension=DIMENSION), (0, 1), "target", 4, 0, SIDE)[0]
    np.testing.assert_allclose(one.reshape(4, -1)[:, HALF:], 2 * half.reshape(4, -1)[:, HALF:], rtol=1e-6)


def test_the_name_holds_every_parameter() -> None:
    assert canonical_name("signal_noise(universal=4,specific=2)") == (
        "signal_noise(dimension=1000,direction=1,noise=1.0,specific=2.0,universal=4.0)"
    )


@pytest.mark.parametrize("values", ["direction=0", "direction=17", "noise=-1", "universal=-1", "dimension=4"])
def test_values_out_of_bounds_are_refused(values: str) -> None:
    with pytest.raises(ValueError, match=values.partition("=")[0]):
        canonical_name(f"signal_noise({values})")


def test_images_that_are_too_small_are_refused_before_anything_is_launched() -> None:
    check(spec(side=29))
    with pytest.raises(ValueError, match=r"model\.image_size = 28: allowed for .* dimension 400: 29 or more"):
        check(spec(side=28))
