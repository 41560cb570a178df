"""Evaluation batches: every sample once, in nearly equal parts, no larger than allowed."""

from __future__ import annotations

import pytest

from orchestrator.train.batch_sizes import MOST_IMAGES, images_per_pass
from orchestrator.train.inputs import passes


@pytest.mark.parametrize("samples", [1, 2, 127, 128, 129, 690, 1000, 1001, 2001])
@pytest.mark.parametrize("most", [1, 128, 1000])
def test_every_sample_once_in_equal_parts(samples: int, most: int) -> None:
    found = list(passes(samples, most))
    assert [index for part in found for index in range(samples)[part]] == list(range(samples))
    sizes = [part.stop - part.start for part in found]
    assert max(sizes) <= most and max(sizes) - min(sizes) <= 1 and len(sizes) == -(-samples // most)


def test_larger_images_come_in_smaller_batches_on_a_cpu_alone() -> None:
    assert [images_per_pass(side) for side in (8, 11, 16, 32, 64, 224)] == [1000, 1000, 512, 128, 32, 16]
    assert {images_per_pass(side, on_cpu=False) for side in (8, 32, 224)} == {MOST_IMAGES}
