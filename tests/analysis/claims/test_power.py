"""Every claim under its null and where it is true. The full table: `python -m analysis.claims.power`."""

import numpy as np
import pytest

from analysis.claims.power import CLAIMS, rows, supported

NUMBER = 300


@pytest.mark.parametrize("claim", CLAIMS)
def test_size_and_power(claim: str):
    drawn, (_, large), _ = CLAIMS[claim]
    assert supported(drawn, 0.0, NUMBER, 71) / NUMBER <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / NUMBER)
    assert supported(drawn, large, 60, 72) >= 0.8 * 60


def test_table_has_every_claim():
    text = "\n".join(rows(8, 73))
    assert all(f"| {claim} |" in text for claim in CLAIMS)
