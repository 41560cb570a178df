"""Batches: each epoch a permutation, the same on every device and after every resumption."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.seeds import Role
from tasks import Batches, batch_sizes


@given(st.integers(1, 200), st.integers(1, 70), st.integers(0, 2**40), st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_an_epoch_covers_every_sample_once(samples: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = Batches(samples, batch_size, seed, "target")
    made = batches.epoch(epoch)
    assert sorted(torch.cat(made).tolist()) == list(range(samples))
    assert len(made) == len(batches)
    assert all(len(batch) <= batch_size + 1 for batch in made)
    if batch_size > 1 and samples > 1:
        assert all(len(batch) > 1 for batch in made)


@pytest.mark.parametrize(
    ("samples", "batch_size", "sizes"),
    [
        (8, 4, [4, 4]),
        (9, 4, [4, 5]),
        (10, 4, [4, 4, 2]),
        (3, 64, [3]),
        (1, 64, [1]),
        (3, 1, [1, 1, 1]),
        (3, 2, [3]),
    ],
)
def test_a_lone_last_sample_joins_the_batch_before(samples: int, batch_size: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in Batches(samples, batch_size, 0, "source").epoch(0)] == sizes


@given(st.integers(1, 5000), st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_even_batches_differ_by_one_at_most(samples: int, batch_size: int) -> None:
    sizes = batch_sizes(samples, batch_size, "even")
    assert sum(sizes) == samples
    assert max(sizes) - min(sizes) <= 1
    if batch_size == 2 < samples and samples % 2:  # one of three, as batch norm has no variance to take over one sample
        assert (len(sizes), max(sizes), min(sizes[1:], default=2)) == (samples // 2, 3, 2)
    else:
        assert len(sizes) == -(-samples // batch_size)
        assert max(sizes) <= batch_size
        assert batch_size == 1 or samples == 1 or min(sizes) > 1


@pytest.mark.parametrize("samples", [560, 572, 584, 596, 608])
@pytest.mark.parametrize("batch_size", [62, 64, 65])
def test_sizes_two_per_cent_apart_have_batches_of_like_size(samples: int, batch_size: int) -> None:
    even = batch_sizes(samples, batch_size, "even")
    assert min(even) >= 0.85 * batch_size
    assert len(even) == len(batch_sizes(samples, batch_size))


def test_a_small_last_batch_is_spread_over_all() -> None:
    assert batch_sizes(584, 64) == [64] * 9 + [8]
    assert batch_sizes(584, 64, "even") == [59] * 4 + [58] * 6
    assert batch_sizes(200, 64, "even") == [50] * 4
    assert batch_sizes(65, 64, "even") == [33, 32]
    assert batch_sizes(7, 2, "even") == batch_sizes(7, 2)[::-1] == [3, 2, 2]
    assert batch_sizes(20, 64, "even") == [20]


@given(st.integers(2, 500), st.integers(2, 70), st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_the_order_does_not_depend_on_how_it_is_cut(samples: int, batch_size: int, epoch: int) -> None:
    full, even = (Batches(samples, batch_size, 3, "target", batches=batches) for batches in (None, "even"))
    assert torch.equal(torch.cat(full.epoch(epoch)), torch.cat(even.epoch(epoch)))
    assert [len(batch) for batch in even.epoch(epoch)] == even.sizes == batch_sizes(samples, batch_size, "even")


def test_the_order_repeats_and_differs_by_epoch_role_and_seed() -> None:
    def order(seed: int = 0, role: Role = "target", epoch: int = 0) -> tuple[int, ...]:
        return tuple(torch.cat(Batches(100, 32, seed, role).epoch(epoch)).tolist())

    assert order() == order()
    assert len({order(), order(epoch=1), order(role="source"), order(seed=1)}) == 4


def test_the_order_does_not_depend_on_the_batch_size() -> None:
    small, large = (torch.cat(Batches(100, size, 0, "target").epoch(5)) for size in (16, 64))
    assert torch.equal(small, large)


def test_indices_are_int64_on_the_device() -> None:
    batch = Batches(10, 4, 0, "target", device="meta").epoch(0)[0]
    assert batch.device.type == "meta" and batch.dtype == torch.int64


def test_nothing_to_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Batches(0, 4, 0, "target")
