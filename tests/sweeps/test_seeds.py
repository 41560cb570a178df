"""One random stream per purpose: the same for ever, and never the same as another."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.seeds import Purpose, Role, seed_for

ROLES: tuple[Role, ...] = get_args(Role)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def test_streams_are_pinned() -> None:
    """They are part of what a run_id stands for: if they change, stored results are of other samples and weights."""
    assert seed_for(0, "target", "label_noise") == 7595115131254946896
    assert seed_for(4, "source", "order", 17) == 7299130645638193421


def test_no_two_streams_of_a_sweep_meet() -> None:
    streams = [
        seed_for(seed, role, purpose, index)
        for seed in range(20)
        for role in ROLES
        for purpose in PURPOSES
        for index in range(20)
    ]
    assert len(set(streams)) == len(streams)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(ROLES), st.sampled_from(PURPOSES), st.integers(0, 10**9))
def test_a_seed_is_what_generators_take(seed: int, role: Role, purpose: Purpose, index: int) -> None:
    stream = seed_for(seed, role, purpose, index)
    assert 0 <= stream < 2**63
    assert stream == seed_for(seed, role, purpose, index)


def test_streams_of_two_purposes_are_independent() -> None:
    samples, labels = (
        np.random.default_rng(seed_for(0, "target", purpose)).permutation(1000) for purpose in ("subset", "label_noise")
    )
    # Coupled streams give 1 here, independent ones 0 with a standard deviation of 0.03.
    assert abs(np.corrcoef(samples, labels)[0, 1]) < 0.15
