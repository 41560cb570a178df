"""LogME: the largest log evidence of a Bayesian linear model (You, Liu, Wang, Long, ICML 2021, arXiv:2102.11005)."""

from __future__ import annotations

import numpy as np

from analysis.transferability.pair import Array, Samples

ROUNDS = 200
ENOUGH = 1e-10
LEAST = 1e-12


def log_me(target: Samples) -> float:
    """Log evidence per sample, mean over one-against-rest classes. The larger, the better."""
    left, sizes, _ = np.linalg.svd(target.features, full_matrices=False)
    scores = []
    for label in np.unique(target.labels):
        wanted = (target.labels == label).astype(np.float64)
        scores.append(largest_evidence(left, sizes, wanted)[0])
    return float(np.mean(scores))


def largest_evidence(left: Array, sizes: Array, wanted: Array) -> tuple[float, float, float]:
    """(log evidence per sample, alpha, beta) of y ~ N(F w, 1/beta), w ~ N(0, 1/alpha), at the best alpha and beta.

    left (n, k), sizes (k,): the singular value decomposition of F (n, p); wanted: y (n,). The fixed point of
    MacKay (1992), which raises the evidence in each round.
    """
    n, squares = len(wanted), sizes**2
    inside = (left.T @ wanted) ** 2
    outside = max(float(wanted @ wanted - inside.sum()), 0.0)
    alpha = beta = 1.0
    for _ in range(ROUNDS):
        posterior = alpha + beta * squares
        known = float((beta * squares / posterior).sum())
        norm = float((beta**2 * squares * inside / posterior**2).sum())
        residual = float((inside * (alpha / posterior) ** 2).sum()) + outside
        before = alpha, beta
        # Features without any variance have no best alpha: it stays in reach of a logarithm.
        alpha = min(max(known / max(norm, 1e-12), LEAST), 1.0 / LEAST)
        beta = max(n - known, 1e-12) / max(residual, 1e-12)
        if abs(np.log(alpha / before[0])) + abs(np.log(beta / before[1])) < ENOUGH:
            break
    return evidence(squares, inside, outside, n, alpha, beta), alpha, beta


def evidence(squares: Array, inside: Array, outside: float, n: int, alpha: float, beta: float) -> float:
    """log N(y; 0, I / beta + F F' / alpha) / n, from the squared singular values (k,) of F and y's squared coordinates
    along them (k,); `outside`: the squared norm of y beyond them."""
    posterior = alpha + beta * squares
    log_det = float(np.log(posterior).sum()) - len(squares) * np.log(alpha) - n * np.log(beta)
    distance = beta * (float((inside * alpha / posterior).sum()) + outside)
    return float(-0.5 * (log_det + distance + n * np.log(2.0 * np.pi)) / n)
