"""The published mode of task transfer analysis and its arms, as the paper and its official code have them.

Alternating: the samples are coupled by exact transport (uniform weights, cost |Az + b - z'| + L |By - y'|), then Adam
moves A, an inverse Ainv of its own, b, B and D down the reweighted loss, the label entropy and the transport cost of
that coupling with squared distances, with the penalties |p_T - B D|^2 and |A Ainv - I|^2. Features are standardised on
each side by itself. The Lipschitz constant is computed anew afterwards, through A^-1, which is why it drifts.

What comes out is no certificate: B D = p_T and equal labels hold as far as the penalties go. `certified` is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import softmax

from analysis.transferability.bound import Bound
from analysis.transferability.pair import Array, Pair, Samples
from analysis.transferability.softmax_head import Head, fit, held_out_loss, lipschitz
from analysis.transferability.transport import plan

Arm = Literal["learned_all", "learned_a", "fixed_all"]
"""What is learned. learned_all: A, b, B and D. learned_a: A and b; B is a random assignment, D the source's prior.
fixed_all: nothing; A is the identity."""
ARMS: tuple[Arm, ...] = get_args(Arm)


class PaperSettings(NamedTuple):
    """The rate is the paper's. The other values are ours: the official code has other numbers of steps and samples."""

    rate: float = 1e-2
    couplings: int = 20
    steps: int = 10
    """Of Adam, after each coupling."""
    label_cost: float = 10.0
    """The factor L of the distance between labels."""
    samples: int = 300
    dimensions: int = 64


DEFAULT = PaperSettings()


@dataclass
class Parameters:
    """What Adam moves. B and D are softmaxes of `labels` (target, source classes; over columns) and of `prior`."""

    A: Array
    inverse: Array
    b: Array
    labels: Array
    prior: Array

    @property
    def B(self) -> Array:
        return softmax(self.labels, axis=0)

    @property
    def D(self) -> Array:
        return softmax(self.prior)


LEARNED: dict[Arm, tuple[str, ...]] = {
    "learned_all": ("A", "inverse", "b", "labels", "prior"),
    "learned_a": ("A", "inverse", "b"),
    "fixed_all": (),
}
CERTAIN = 20.0
"""The logit of a label map's ones at the start of the arms that keep it: a share of 1 - 2e-9."""


def paper_bound(pair: Pair, arm: Arm = "learned_all", seed: int = 0, settings: PaperSettings = DEFAULT) -> Bound:
    """The bound of a pair as published. `seed` draws the label map that an arm starts from.

    Raises ValueError where the pair has no source samples.
    """
    if pair.source is None:
        raise ValueError("source: the bound needs samples of the source task; a file of weights alone has none")
    source = standardised(pair.source.at_most(settings.samples), settings.dimensions)
    target = standardised(pair.target.at_most(settings.samples), settings.dimensions)
    p = min(source.features.shape[1], target.features.shape[1])
    source, target = (Samples(side.features[:, :p], side.labels, side.classes) for side in (source, target))
    head = fit(source)
    learned = learn(source, target, head, arm, seed, settings)
    return terms(source, target, head, learned, settings)


def standardised(samples: Samples, dimensions: int) -> Samples:
    """Each feature at mean 0 and variance 1, then at most `dimensions` principal components."""
    z = samples.features - samples.features.mean(axis=0)
    spread = z.std(axis=0)
    z = z / np.where(spread > 1e-12, spread, 1.0)
    if z.shape[1] > dimensions:
        z = z @ np.linalg.eigh(z.T @ z)[1][:, ::-1][:, :dimensions]
    return Samples(z, samples.labels, samples.classes)


def learn(
    source: Samples, target: Samples, head: Head, arm: Arm, seed: int, settings: PaperSettings = DEFAULT
) -> Parameters:
    """The transformation of an arm."""
    now = initial(source, target, arm, seed)
    names = LEARNED[arm]
    if not names:
        return now
    tau = lipschitz(head.weights)
    first = {name: np.zeros_like(getattr(now, name)) for name in names}
    second = {name: np.zeros_like(getattr(now, name)) for name in names}
    step = 0
    for _ in range(settings.couplings):
        cheapest = plan(cost(source, target, now, settings.label_cost))
        for _ in range(settings.steps):
            step += 1
            slopes = objective(source, target, head, now, cheapest, tau, settings.label_cost)[1]
            for name in names:  # Adam (Kingma and Ba 2015)
                first[name] = 0.9 * first[name] + 0.1 * slopes[name]
                second[name] = 0.999 * second[name] + 0.001 * slopes[name] ** 2
                size = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
                setattr(now, name, getattr(now, name) - settings.rate * first[name] / (1 - 0.9**step) / size)
    return now


def initial(source: Samples, target: Samples, arm: Arm, seed: int) -> Parameters:
    """A and its inverse the identity, D the source's prior, B a random assignment (of `learned_all`: leaning to it)."""
    p, rng = source.features.shape[1], np.random.default_rng(seed)
    assigned = rng.permutation(np.arange(source.classes) % target.classes)
    size = 1.0 if arm == "learned_all" else CERTAIN
    labels = size * (np.arange(target.classes)[:, None] == assigned[None, :])
    prior = np.log(np.maximum(source.prior(), 1e-12))
    return Parameters(np.eye(p), np.eye(p), np.zeros(p), labels.astype(np.float64), prior)


def cost(source: Samples, target: Samples, at: Parameters, label_cost: float) -> Array:
    """(m, n): |Az + b - z'| + label_cost |By - y'|, labels as corners of the simplex."""
    there = np.eye(target.classes)
    apart = cdist(source.features @ at.A.T + at.b, target.features)
    return apart + label_cost * cdist(at.B.T, there)[source.labels][:, target.labels]


def objective(
    source: Samples, target: Samples, head: Head, at: Parameters, coupled: Array, tau: float, label_cost: float
) -> tuple[float, dict[str, Array]]:
    """What Adam minimises for a given coupling (m, n), and its slope in each of the parameters."""
    B, D = at.B, at.D
    z, y = source.features, source.labels
    moved = z @ at.A.T
    losses, by_logit = _losses(head, moved @ at.inverse.T, y)
    share = np.bincount(y, minlength=source.classes) / len(y)
    weight = (D / np.maximum(share, 1e-12))[y] / len(y)
    by_input = (weight[:, None] * by_logit) @ head.weights
    slope_A, slope_inverse = at.inverse.T @ by_input.T @ z, by_input.T @ moved
    by_D = np.bincount(y, weights=losses, minlength=source.classes) / np.maximum(share, 1e-12) / len(y)

    logs = np.log(np.maximum(B, 1e-300))
    entropies = -(B * logs).sum(axis=0)
    by_B, by_D = -D * (logs + 1.0), by_D + entropies

    rows, columns = coupled.sum(axis=1), coupled.sum(axis=0)
    moved = moved + at.b
    pulled = rows[:, None] * moved - coupled @ target.features
    squares = rows @ (moved**2).sum(axis=1) + columns @ (target.features**2).sum(axis=1)
    squares -= 2.0 * float((moved * (coupled @ target.features)).sum())
    slope_A, slope_b = slope_A + 2.0 * tau * pulled.T @ z, 2.0 * tau * pulled.sum(axis=0)

    corners = np.eye(target.classes)[target.labels]
    mapped = B.T[y]
    label_pull = rows[:, None] * mapped - coupled @ corners
    label_squares = rows @ (mapped**2).sum(axis=1) + columns.sum() - 2.0 * float((mapped * (coupled @ corners)).sum())
    by_B = by_B + 2.0 * tau * label_cost * label_pull.T @ np.eye(source.classes)[y]

    off, apart = B @ D - target.prior(), at.A @ at.inverse - np.eye(len(at.b))
    by_B, by_D = by_B + 2.0 * off[:, None] * D[None, :], by_D + 2.0 * B.T @ off
    slope_A, slope_inverse = slope_A + 2.0 * apart @ at.inverse.T, slope_inverse + 2.0 * at.A.T @ apart

    value = float(weight @ losses) + float(D @ entropies) + tau * (float(squares) + label_cost * float(label_squares))
    value += float(off @ off) + float((apart**2).sum())
    slopes = {
        "A": slope_A,
        "inverse": slope_inverse,
        "b": slope_b,
        "labels": B * (by_B - (B * by_B).sum(axis=0)),
        "prior": D * (by_D - D @ by_D),
    }
    return value, slopes


def _losses(head: Head, inputs: Array, labels: np.ndarray) -> tuple[Array, Array]:
    """Cross-entropy of each sample (m,), and its slope in the logits (m, classes)."""
    logs, rows = head.log_probabilities(inputs), np.arange(len(labels))
    slopes = np.exp(logs)
    slopes[rows, labels] -= 1.0
    return -logs[rows, labels], slopes


def terms(source: Samples, target: Samples, head: Head, at: Parameters, settings: PaperSettings) -> Bound:
    """The terms of the bound at the parameters found, the constant through A^-1."""
    apart = cost(source, target, at, settings.label_cost)
    distance = float((plan(apart) * apart).sum())
    share = np.maximum(source.prior(), 1e-12)
    inverse = np.linalg.inv(at.A)
    moved = Head(head.weights @ inverse, head.bias - head.weights @ inverse @ at.b)
    mapped = np.exp(moved.log_probabilities(target.features)) @ at.B.T
    logs = np.log(np.maximum(at.B, 1e-300))
    return Bound(
        reweighted_loss=head.loss(source.features, source.labels, (at.D / share)[source.labels]),
        label_entropy=float(-(at.D * (at.B * logs).sum(axis=0)).sum()),
        wasserstein=distance,
        tau=lipschitz(moved.weights),
        measured_loss=held_out_loss(target),
        transformed_loss=float(-np.log(mapped[np.arange(len(mapped)), target.labels]).mean()),
    )
