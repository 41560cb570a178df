"""Tasks with real-valued targets: the drifting sine and the denoising of digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from sweeps.spec import RunSpec
from sweeps.sweep import overlay
from tasks import check, classes_of, has_pairs, held_out, is_regression, outputs_of, relatedness, vector_length
from tasks import source_data as source
from tasks import target_data as target

SERIES: dict[str, Any] = {
    "source": {"task": "sine_drift(drift=0.0)", "size": 2000},
    "target": {"task": "sine_drift(drift=1.0)", "size": 2000},
    "model": {"family": "mlp", "depth": 2, "width": 8, "inputs": 1},
}
NOISY: dict[str, Any] = {
    "source": {"task": "noisy_digits(noise=0.1)", "size": 600},
    "target": {"task": "noisy_digits(noise=0.5)", "size": 600},
    "model": {"family": "fcn", "depth": 3, "width": 4},
}


def run(base: dict[str, Any], **changes: Any) -> RunSpec:
    return RunSpec.model_validate(overlay(base, changes))


def test_what_is_said_of_them() -> None:
    for name, outputs, vector, tested in (("sine_drift", 1, 1, 2000), ("noisy_digits", 64, None, 590)):
        assert (is_regression(name), classes_of(name)) == (True, 0)
        assert (outputs_of(name), vector_length(name), held_out(name)) == (outputs, vector, tested)
        with pytest.raises(ValueError, match=f"{name} has no classes, its targets are numbers"):
            classes_of(f"{name}[0-4]")
    assert has_pairs("sine_drift") and not has_pairs("noisy_digits") and not has_pairs("digits")
    assert (is_regression("digits"), outputs_of("digits"), vector_length("digits")) == (False, 10, None)
    assert relatedness("sine_drift", "digits") == relatedness("digits", "noisy_digits") == {}


def test_the_source_is_the_sine_itself() -> None:
    data = source(run(SERIES))
    t, x = data.inputs.double().numpy()[:, 0], data.labels.double().numpy()[:, 0]
    np.testing.assert_allclose(np.sort(t), -1 + (np.arange(2000) + 0.5) / 1000, atol=1e-7)
    np.testing.assert_allclose(x, np.sin(5 * math.pi * t), atol=2e-6)
    assert data.is_regression and data.outputs == 1 and data.classes == 0 and not data.flipped.any()


def test_the_target_is_shifted_as_the_paper_says() -> None:
    """Delays .05 N(1.5, .8^2), gains from 1 to 1.8 along the points, jitter .03 U(-1, 1)."""
    data = target(run(SERIES))
    assert data.paired_inputs is not None and data.paired_labels is not None
    start, signal = data.paired_inputs.double().numpy()[:, 0], data.paired_labels.double().numpy()[:, 0]
    delay = (data.inputs.double().numpy()[:, 0] - start) / 0.05
    assert delay.mean() == pytest.approx(1.5, abs=4 * 0.8 / math.sqrt(2000))
    assert delay.std() == pytest.approx(0.8, rel=0.07)
    gain = 1 + 0.4 * (start + 1 - 0.0005)
    left = data.labels.double().numpy()[:, 0] - gain * signal
    assert np.abs(left).max() <= 0.03 + 1e-5 and left.std() == pytest.approx(0.03 / math.sqrt(3), rel=0.07)


def test_subsets_are_nested_and_keep_their_noise() -> None:
    for base, whole in ((SERIES, 2000), (NOISY, 600)):
        few, many = (target(run(base, target={"size": size})) for size in (50, whole))
        assert torch.equal(few.inputs, many.inputs[:50]) and torch.equal(few.labels, many.labels[:50])
        assert torch.equal(few.test_inputs, many.test_inputs)
        assert few.digest != many.digest
        other = target(run(base, seed=1))
        assert not torch.equal(other.inputs, many.inputs) and torch.equal(other.test_inputs, many.test_inputs)


def test_the_drift_scales_the_shift_of_the_same_points() -> None:
    still, half, whole = (target(run(SERIES, target={"task": f"sine_drift(drift={d})"})) for d in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half.inputs - still.inputs, (whole.inputs - still.inputs) / 2, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(half.labels - still.labels, (whole.labels - still.labels) / 2, atol=1e-6, rtol=1e-4)
    assert still.paired_inputs is not None and torch.equal(still.paired_inputs, still.inputs)


def test_noise_is_on_the_input_alone() -> None:
    little, much = source(run(NOISY)), target(run(NOISY))
    for data, noise in ((little, 0.1), (much, 0.5)):
        images = data.inputs * 0.376 + 0.305
        clean = data.labels.view(-1, 1, 8, 8)
        assert clean.min() >= 0 and clean.max() <= 1
        assert (images - clean).std().item() == pytest.approx(noise, rel=0.02)
        assert (images - clean).mean().item() == pytest.approx(0, abs=4 * noise / math.sqrt(images.numel()))


def test_source_and_target_share_no_digit() -> None:
    theirs, ours = (data(run(NOISY, source={"size": 603}, target={"size": 603})).labels for data in (source, target))
    rows = {row.numpy().tobytes() for row in theirs}
    shared = [row for row in ours if row.numpy().tobytes() in rows]
    assert len(shared) <= 2  # scans that are equal to the pixel


def test_more_than_there_are_points_is_refused() -> None:
    for base, most in ((SERIES, 2000), (NOISY, 603)):
        with pytest.raises(ValueError, match=f"target.size {most + 1}: .* allows 2 to {most} "):
            check(run(base, target={"size": most + 1}))
