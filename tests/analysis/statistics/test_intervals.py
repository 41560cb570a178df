"""What intervals of a mean error cover: new seeds, and new test images."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.intervals import for_new_images, intervals

DRAWS = 4000


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_intervals_for_new_images_cover_the_error_on_all_images(seeds: int, shared: float) -> None:
    """Images that all seeds get wrong together (`shared` 1), or each by itself (0); truth: the error on all images."""
    rng = np.random.default_rng(7)
    images, error = 300, 0.2
    together = rng.random((DRAWS, 1, images)) < error
    apart = rng.random((DRAWS, seeds, images)) < error
    wrong = np.where(rng.random((DRAWS, 1, images)) < shared, together, apart)
    level = error + 0.01 * rng.standard_normal((DRAWS, seeds))  # seeds differ in what they learnt
    errors = wrong.mean(axis=2) + level - error
    spans = intervals(errors)
    low, high = for_new_images(errors.mean(axis=1), spans[:, 0], spans[:, 1], np.full(DRAWS, images))
    assert ((low <= error) & (error <= high)).mean() >= 0.945
    if shared == 1.0 and seeds == 5:  # the seeds' own interval says nothing of new images
        assert ((spans[:, 0] <= error) & (error <= spans[:, 1])).mean() < 0.8


def test_what_is_not_known_has_no_interval() -> None:
    assert np.isnan(for_new_images([0.2, np.nan], [0.1, np.nan], [0.3, np.nan], [np.nan, 100])).all()
