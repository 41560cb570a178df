"""Rendered characters: addressed by index, legible, apart by role, and fast enough."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

from sweeps.seeds import Role
from tasks.datasets import glyphs

LETTERS = tuple(range(10, 36))
EVERYTHING = tuple(range(62))


@pytest.mark.parametrize("side", [8, 13])
def test_an_image_does_not_depend_on_how_many_are_made_with_it(side: int) -> None:
    images, labels = glyphs.render(LETTERS, "source", 3, side, 0, 1200)
    for cuts in ((0, 1, 511, 513, 1200), (0, 700, 1024, 1200)):
        parts = [glyphs.render(LETTERS, "source", 3, side, low, high) for low, high in pairwise(cuts)]
        assert np.array_equal(np.concatenate([part[0] for part in parts]), images)
        assert np.array_equal(np.concatenate([part[1] for part in parts]), labels)


def test_images_come_as_documented() -> None:
    images, labels = glyphs.train(LETTERS, "target", 260, 0, 8)
    assert images.shape == (260, 1, 8, 8) and images.dtype == np.float32 and labels.dtype == np.int64
    assert images.min() == 0 and 0.8 < images.max() <= 1
    assert np.array_equal(images * 255, np.round(images * 255))
    assert np.bincount(labels).tolist() == [10] * 26


def test_roles_and_seeds_have_their_own_images() -> None:
    def seen(role: Role, seed: int) -> set[bytes]:
        return {image.tobytes() for image in glyphs.render(LETTERS, role, seed, 16, 0, 520)[0]}

    streams = [seen("source", 0), seen("target", 0), seen("test", 0), seen("source", 1)]
    assert len(set.union(*streams)) == sum(map(len, streams))


def test_no_image_comes_twice_in_a_stream() -> None:
    # Two classes divide a block evenly: blocks that shared their draws would be equal.
    images, _ = glyphs.render((10, 11), "source", 0, 16, 0, 3 * glyphs.BLOCK)
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_test_set_is_balanced_and_about_a_thousand() -> None:
    for classes in ((3, 4), LETTERS, EVERYTHING):
        counts = np.bincount(glyphs.test(classes, 8)[1])
        assert len(counts) == len(classes) and len(set(counts.tolist())) == 1
        assert 1000 <= counts.sum() < 1000 + len(classes)


@pytest.mark.parametrize(
    ("classes", "side", "accuracy"), [(LETTERS, 8, 0.85), (LETTERS, 32, 0.85), (tuple(range(10)), 8, 0.9)]
)
def test_characters_are_legible_to_ridge_regression(classes: tuple[int, ...], side: int, accuracy: float) -> None:
    images, labels = glyphs.train(classes, "source", 3000, 0, side)
    test_images, test_labels = glyphs.test(classes, side)
    x, test_x = (pixel_products(part) for part in (images, test_images))
    weights = x.T @ np.linalg.solve(x @ x.T + np.eye(len(x)), np.eye(len(classes))[labels])
    assert ((test_x @ weights).argmax(1) == test_labels).mean() > accuracy


def pixel_products(images: np.ndarray) -> np.ndarray:
    """The products of any two of 8x8 pixels, the images being averaged down to that first: (N, 2080)."""
    factor = images.shape[-1] // 8
    pixels = images.reshape(-1, 8, factor, 8, factor).mean((2, 4)).reshape(len(images), 64).astype(np.float64)
    first, second = np.triu_indices(64)
    return pixels[:, first] * pixels[:, second]


def test_every_font_draws_every_character_differently() -> None:
    letters = glyphs._atlas(EVERYTHING, 64)
    assert letters.shape == (62, len(glyphs.FONTS), 64, 64)
    ink = letters.mean((2, 3)) / 255
    assert ink.min() > 0.02 and ink.max() < 0.6
    for column, font in enumerate(glyphs.FONTS):
        drawn = {letters[row, column].tobytes() for row in EVERYTHING}
        assert len(drawn) == 62, font
    # Nothing is cut off: the border of every character's square is empty.
    assert not letters[:, :, [0, -1]].any() and not letters[:, :, :, [0, -1]].any()


def test_rendering_is_fast() -> None:
    glyphs.render(LETTERS, "source", 0, 32, 0, 1)
    started = time.process_time()
    glyphs.render(LETTERS, "source", 0, 32, 0, 4096)
    # About 0.35 s on one core of a 2026 server; the bound, loose for shared machines, is a minute for 50,000.
    assert time.process_time() - started < 60 * 4096 / 50_000
