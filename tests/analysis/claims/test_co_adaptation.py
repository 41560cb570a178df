"""The published trap: errors along frozen layers shaped like a double descent, of networks that never interpolate.

Yosinski et al. (arXiv:1411.1792) froze the first n layers of a network that was trained on the same task. Their errors
by n fall, rise and fall again: neighbouring layers had co-adapted and were cut apart. The same errors go through the
whole analysis twice, with train errors that never reach the threshold and with train errors that cross it at the peak.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.claims.decide import all_claims
from analysis.report.wording import axis_text
from analysis.tables.along_axes import AxisVerdict, freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from frostline.published.references import references
from sweeps.spec import RunSpec
from tests.analysis.store_factory import Curve, whole

SWEEP = """
name: selffer
base:
  source: {task: "mnist[5-9]", size: 300}
  target: {task: "mnist[5-9]", size: 300}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 8}
axes: {transfer.frozen: [1, 2, 3, 4, 5, 6, 7], seed: 0..7}
"""
SD = 0.006  # of a published run


def published() -> tuple[float, ...]:
    (reference,) = [each for each in references() if each.name == "yosinski_depths"]
    return next(series for series in reference.series if series.sources == "same").test


def curves(crosses: bool) -> Curve:
    """Test errors as published. Train errors: 30 % throughout, or at most 5 % up to the peak and above it beyond."""
    errors = published()
    peak = 1 + int(np.argmax(errors))

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen])
        test = errors[spec.transfer.frozen - 1] + SD * rng.standard_normal()
        train = 0.02 if spec.transfer.frozen <= peak else 0.15
        return np.full(len(epochs), test), np.full(len(epochs), train if crosses else 0.3)

    return curve


def judged(store: Path, crosses: bool) -> tuple[Tables, AxisVerdict]:
    tables = collect(read_sweep(whole(store, SWEEP, curves(crosses)), store))
    (verdict,) = freezing_wise(tables)
    return tables, verdict


def test_the_control_is_no_double_descent_and_the_same_errors_at_the_threshold_are(tmp_path: Path) -> None:
    control_tables, control = judged(tmp_path / "control", crosses=False)
    claimed_tables, claimed = judged(tmp_path / "claimed", crosses=True)
    assert control.verdict is not None and claimed.verdict is not None
    # The same errors: the same shape, peak and prominence, and as significant.
    assert control.test.tolist() == claimed.test.tolist()
    assert control.verdict.shape == claimed.verdict.shape == "double_descent"
    assert control.verdict.prominence == claimed.verdict.prominence == pytest.approx(0.027, abs=0.008)
    assert control.verdict.significance == claimed.verdict.significance == "significant"
    # What tells them apart.
    assert (control.verdict.cause, claimed.verdict.cause) == ("co_adaptation", "interpolation")
    assert (control.verdict.double_descent, claimed.verdict.double_descent) == (False, True)
    assert axis_text(control).startswith("co-adaptation dip, no interpolation threshold at its peak")
    decisions = [
        next(each.decision for each in all_claims(tables, along=(verdict,)) if each.claim == "C3")
        for tables, verdict in ((control_tables, control), (claimed_tables, claimed))
    ]
    assert decisions == ["contradicted", "supported"]
