"""A role's data as a whole: splits, streams that do not touch each other, shapes, scale and digest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec
from tasks import source_data, target_data
from tasks.datasets import digits


def run(
    target: dict[str, Any] | None = None, source: dict[str, Any] | None = None, seed: int = 0, **model: Any
) -> RunSpec:
    return RunSpec(
        source=SourceSpec(**({"task": "glyphs[A-Z]", "size": 104} | (source or {}))),
        target=TargetSpec(**({"task": "digits", "size": 200} | (target or {}))),
        model=ModelSpec(**({"family": "resnet", "depth": 18, "width": 4} | model)),
        seed=seed,
    )


def images_of(inputs: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in inputs}


def test_digits_come_as_documented() -> None:
    data = target_data(run({"size": 1207}))
    assert data.inputs.shape == (1207, 1, 8, 8) and data.inputs.dtype == torch.float32
    assert data.labels.dtype == data.true_labels.dtype == data.test_labels.dtype == torch.int64
    assert torch.bincount(data.true_labels).tolist() == list(digits.POOL)
    assert torch.bincount(data.test_labels).tolist() == [59] * 10
    assert abs(data.inputs.mean()) < 0.02 and abs(data.inputs.std() - 1) < 0.02
    assert data.inputs.min() == pytest.approx(data.black)
    assert data.classes == 10 and data.class_names == tuple("0123456789")


def test_every_digit_is_used_once() -> None:
    everything, labels, test_rows = digits._read()
    assert len(everything) == 1797 == sum(digits.POOL) + 590
    assert (np.bincount(labels) == np.array(digits.POOL) + 59).all()
    data = target_data(run({"size": 1207}))
    assert not images_of(data.inputs) & images_of(data.test_inputs)
    assert len(set(test_rows.tolist())) == 590


def test_the_test_set_is_the_same_for_every_seed_and_noise() -> None:
    reference = target_data(run())
    for other in (run(seed=7), run({"label_noise": 1.0}), run({"size": 700})):
        data = target_data(other)
        assert torch.equal(data.test_inputs, reference.test_inputs)
        assert torch.equal(data.test_labels, reference.test_labels)


@pytest.mark.parametrize(("source", "target"), [("digits", "digits"), ("digits[0-5]", "digits[4-9]")])
def test_source_and_target_of_one_data_set_share_no_image(source: str, target: str) -> None:
    spec = run({"task": target, "size": 300}, {"task": source, "size": 300})
    ours, theirs = target_data(spec), source_data(spec)
    assert not images_of(ours.inputs) & images_of(theirs.inputs)
    assert not images_of(theirs.inputs) & images_of(ours.test_inputs)


def test_a_class_subset_is_relabelled() -> None:
    data = target_data(run({"task": "digits[2,5,9]", "size": 30}))
    assert data.class_names == ("2", "5", "9")
    assert torch.bincount(data.labels).tolist() == [10, 10, 10]
    assert torch.bincount(data.test_labels).tolist() == [59] * 3


@pytest.mark.parametrize("task", ["digits", "glyphs[A-J]"])
def test_subsets_and_their_noise_are_nested(task: str) -> None:
    small = target_data(run({"task": task, "size": 300, "label_noise": 0.4}))
    large = target_data(run({"task": task, "size": 600, "label_noise": 0.4}))
    for name in ("inputs", "labels", "true_labels", "flipped"):
        assert torch.equal(getattr(small, name), getattr(large, name)[:300]), name


@pytest.mark.parametrize("kind", ["incorrect", "any", "permute"])
@pytest.mark.parametrize("task", ["digits", "glyphs[A-J]"])
def test_noise_changes_labels_and_nothing_else(task: str, kind: str) -> None:
    clean = target_data(run({"task": task}))
    noisy = target_data(run({"task": task, "label_noise": 0.5, "noise_kind": kind}))
    assert torch.equal(clean.inputs, noisy.inputs)
    assert torch.equal(clean.true_labels, noisy.true_labels)
    assert torch.equal(clean.labels, clean.true_labels) and not clean.flipped.any()
    assert torch.equal(noisy.flipped, noisy.labels != noisy.true_labels) and noisy.flipped.any()


def test_a_role_does_not_depend_on_the_other_or_on_training() -> None:
    reference = run()
    other = run({"size": 100, "label_noise": 0.2}, width=8)
    assert source_data(other).digest == source_data(reference).digest
    other = run(source={"task": "digits", "size": 50, "epochs": 3, "batch_size": 8})
    assert target_data(other).digest == target_data(reference).digest


def test_the_digest_tells_contents_apart_and_repeats() -> None:
    specs = [
        run(),
        run(seed=1),
        run({"size": 201}),
        run({"label_noise": 0.1}),
        run({"task": "digits[0-8]"}),
        run(image_size=16),
        run(channels=3),
    ]
    digests = [target_data(spec).digest for spec in specs]
    assert len(set(digests)) == len(specs)
    assert digests == [target_data(spec).digest for spec in specs]
    assert all(len(digest) == 64 for digest in digests)


def test_the_handwritten_digits_are_those_of_every_earlier_result() -> None:
    """Results in a store are compared by spec, and a spec says nothing of the bytes behind it. If this digest
    changes, the same ids stand for other data: raise the schema version in sweeps/identity.py."""
    digest = target_data(run({"size": 1000, "label_noise": 0.3})).digest
    assert digest == "ec3ddc1e5b6024ebc3a0211864db4412b7477bb12dca31ee2b1fc049dfbffc6e"


def test_images_are_resized_and_repeated_over_channels() -> None:
    native, large = target_data(run()), target_data(run(image_size=32, channels=3))
    assert large.inputs.shape == (200, 3, 32, 32) and large.test_inputs.shape == (590, 3, 32, 32)
    assert torch.equal(large.inputs[:, 0], large.inputs[:, 2])
    shrunk = large.inputs[:, :1].unfold(2, 4, 4).unfold(3, 4, 4).mean((-1, -2))
    agreement = np.corrcoef(shrunk.flatten().numpy(), native.inputs.flatten().numpy())[0, 1]
    assert agreement > 0.95


def test_data_move_as_a_whole() -> None:
    moved = target_data(run()).to("meta")
    assert {value.device.type for value in vars(moved).values() if isinstance(value, torch.Tensor)} == {"meta"}
    assert moved.digest == target_data(run()).digest


def test_asking_for_too_much_is_a_value_error_here_too() -> None:
    with pytest.raises(ValueError, match=r"target\.size 1300"):
        target_data(run({"size": 1300}))
    with pytest.raises(ValueError, match="source is null"):
        source_data(run().model_copy(update={"source": None}))
