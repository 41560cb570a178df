"""Least squares for the change of a layer's weights, float64.

Of features Z (n, p) and residuals R (n, C) that the weights leave, the change dW (p, C) makes Z dW as R. Source terms
cancel: exact layer variational analysis is the least-squares solution that lies nearest to the weights there are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

PENALTIES = tuple(10 ** (power / 2) for power in range(-8, 1))
"""Ridge penalties that are tried, 1e-4 to 1 in half decades, over tr(Z'Z)/p. A choice of ours. With larger ones a few
samples of many classes end worse: leaving out the only sample of a class speaks for as large a penalty as there is."""


class Change(NamedTuple):
    """The change of a layer's weights, the bias being the last row where there is one."""

    weights: Tensor
    """(p, C), float64, or (p + 1, C) with a bias."""
    penalty: float
    """On the squared norm of the change; 0 for none."""
    rank: float
    """Degrees of freedom: the trace of the hat matrix, the numerical rank where there is no penalty."""
    left_out: float
    """Sum of squared leave-one-out residuals at that penalty; NaN where none was computed."""


def smallest_change(features: Tensor, residuals: Tensor, bias: bool) -> Change:
    """dW = pinv(Z) R: of all least-squares solutions the one of least norm, the bias counted in it.

    Singular values below max(n, p) * eps (float64) times the largest count as 0.
    """
    z = _with_ones(features) if bias else features
    u, s, vt = torch.linalg.svd(z, full_matrices=False)
    kept = s > max(z.shape) * torch.finfo(s.dtype).eps * s.max()
    inverse = torch.where(kept, 1 / s, 0.0)
    return Change(vt.T @ (inverse[:, None] * (u.T @ residuals)), 0.0, float(kept.sum().item()), float("nan"))


def ridge_change(features: Tensor, residuals: Tensor, bias: bool) -> Change:
    """The change under the penalty of PENALTIES whose leave-one-out squared error is least. A bias is not penalised.

    The leave-one-out residual has a closed form, the residual over 1 - h_ii (Hastie et al. 2009, equation 7.64). The
    smaller of the two normal equations is solved: Z'Z (p, p) or ZZ' (n, n).

    Not the solver behind the measure `readout_gap` (`methods.measures.ridge_scores`): that one penalises the weights,
    not their change, tries whole decades up to 10, and takes them over tr(Z'Z)/min(n, p). Results on record depend on
    both.
    """
    samples, columns = features.shape
    center, level = (features.mean(0), residuals.mean(0)) if bias else (features.new_zeros(columns), 0.0)
    z, r = features - center, residuals - level
    short = z.T @ z if columns <= samples else z @ z.T
    squares, vectors = torch.linalg.eigh(short)
    squares = squares.clamp_min(0.0)
    # t t' = Z Z', its columns orthogonal: squared norms `squares`
    t = z @ vectors if columns <= samples else vectors * squares.sqrt()
    projected = t.T @ r
    scale = squares.sum().item() / columns or 1.0  # features that are all zero have none

    def left_out(penalty: float) -> float:
        shrunk = 1 / (squares + penalty * scale)
        leverage = t.square() @ shrunk + (1 / samples if bias else 0.0)
        errors = (r - t @ (shrunk[:, None] * projected)) / (1 - leverage).clamp_min(1e-9)[:, None]
        return errors.square().sum().item()

    errors = {penalty: left_out(penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda one: errors[one])
    shrunk = 1 / (squares + penalty * scale)
    if columns <= samples:
        weights = vectors @ (shrunk[:, None] * projected)
    else:
        weights = z.T @ (vectors @ (shrunk[:, None] * (vectors.T @ r)))
    if bias:
        weights = torch.cat([weights, (level - center @ weights)[None]])
    rank = (squares * shrunk).sum().item() + float(bias)
    return Change(weights, penalty * scale, rank, errors[penalty])


def _with_ones(features: Tensor) -> Tensor:
    return torch.nn.functional.pad(features, (0, 1), value=1.0)
