"""Our default mode of the bound: every part of the transformation is one for which the bound is a theorem.

A is orthogonal, so that A^-1 neither stretches the head nor its Lipschitz constant. (The published mode learns A and
its inverse freely; the constant then grows through |A^-1|, and the bound with it.) B is an assignment of
classes, D follows from it, so that B D = p_T holds exactly. The constant is exact and limited. All features are scaled
by one number, so that distances between classes keep their proportions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.transferability.bound import Bound, Transformation, evaluated, restricted
from analysis.transferability.label_map import LabelMap, cheapest
from analysis.transferability.pair import Array, Pair, Samples
from analysis.transferability.softmax_head import fit_within, held_out_loss
from analysis.transferability.transport import class_distances, coupling


class Settings(NamedTuple):
    """Of the default mode. All values are ours."""

    samples: int = 600
    """Of each side, at most. A source of more classes than the target keeps as many of each class as the target has, so
    that the classes chosen have about `samples` together: distances of samples fall with their number."""
    per_class: int = 30
    """Samples of a class, at most, from which the assignment of classes is found. The bound itself has all."""
    dimensions: int = 64
    """Principal components of both sides together, at most."""
    alternations: int = 8
    lipschitz: float = 4.0
    """The largest Lipschitz constant of the head, per root mean square of the source's centred features."""


DEFAULT = Settings()
ENOUGH = 1e-3
"""The relative gain of the distance below which alternating ends."""


def certified_bound(pair: Pair, settings: Settings = DEFAULT) -> Bound:
    """The bound of a pair in the default mode. Raises ValueError where the pair has no source samples.

    Example: `certified_bound(pair).total`, in nats: the smaller, the better the source.
    """
    if pair.source is None:
        raise ValueError("source: the bound needs samples of the source task; a file of weights alone has none")
    target = pair.target.at_most(settings.samples)
    share = settings.samples / min(target.classes, pair.source.classes)
    source, target = projected(pair.source.at_most(round(share * pair.source.classes)), target, settings.dimensions)
    by = transformation(source, target, settings)
    kept, weights = restricted(source, by.labels)
    head = fit_within(kept, weights, settings.lipschitz)
    return evaluated(source, target, by, head, held_out_loss(target))


def projected(source: Samples, target: Samples, dimensions: int) -> tuple[Samples, Samples]:
    """Both on their common principal components, in units of the source's root mean square distance from its mean.

    One basis and one scalar for both sides. A head on components is one on features, so the bound is of both.
    """
    centre = source.features.mean(axis=0)
    here, there = source.features - centre, target.features - centre
    unit = float(np.sqrt((here**2).sum(axis=1).mean()))
    if unit == 0.0:  # a network that gives the same features for all images
        unit = 1.0
    own = there - there.mean(axis=0)
    scatter = here.T @ here / len(here) + own.T @ own / len(own)
    basis = np.linalg.eigh(scatter)[1][:, ::-1][:, :dimensions]
    return (
        Samples(here @ basis / unit, source.labels, source.classes),
        Samples(there @ basis / unit, target.labels, target.classes),
    )


def transformation(source: Samples, target: Samples, settings: Settings = DEFAULT) -> Transformation:
    """A, b, B and D by alternation: classes assigned, samples coupled, features rotated. The nearest one met.

    An assignment that comes out twice in a row is kept.

    The classes are assigned by the Hungarian method on Wasserstein distances between classes, the samples coupled by
    exact transport within the classes assigned, and (A, b) is the orthogonal Procrustes solution of that coupling
    (Schönemann 1966).
    """
    few = source.of_each_class(settings.per_class), target.of_each_class(settings.per_class)
    prior, p = target.prior(), source.features.shape[1]
    A, b = np.eye(p), np.zeros(p)
    best, least = None, np.inf
    labels, settled = None, False
    for _ in range(settings.alternations):
        if labels is None or not settled:
            moved = Samples(few[0].features @ A.T + b, few[0].labels, source.classes)
            before, labels = labels, cheapest(class_distances(moved, few[1]), prior)
            settled = before is not None and np.array_equal(before.chosen, labels.chosen)
        plan, distance = _coupled(source, target, A, b, labels)
        gained = least - distance
        if gained > 0:
            best, least = Transformation(A, b, labels), distance
        if gained <= ENOUGH * distance:
            break
        A, b = procrustes(source.features, target.features, plan)
    assert best is not None
    return best


def _coupled(source: Samples, target: Samples, A: Array, b: Array, labels: LabelMap) -> tuple[Array, float]:
    """The coupling (m, n) within assigned classes, of total mass 1, and its mean distance."""
    plan = np.zeros((len(source.labels), len(target.labels)))
    distance, prior = 0.0, target.prior()
    moved = source.features @ A.T + b
    for label, chosen in enumerate(labels.chosen):
        rows, columns = np.flatnonzero(source.labels == chosen), np.flatnonzero(target.labels == label)
        if len(columns):
            part, apart = coupling(moved[rows], target.features[columns])
            plan[np.ix_(rows, columns)] += prior[label] * part
            distance += prior[label] * apart
    return plan, float(distance)


def procrustes(source: Array, target: Array, plan: Array) -> tuple[Array, Array]:
    """The orthogonal A (p, p) and b (p,) that minimise sum_ij plan_ij |A source_i + b - target_j|^2.

    source: (m, p), target: (n, p), plan: (m, n) of total mass 1.
    """
    here, there = plan.sum(axis=1) @ source, plan.sum(axis=0) @ target
    moment = (target - there).T @ plan.T @ (source - here)
    left, _, right = np.linalg.svd(moment)
    A = left @ right
    return A, there - A @ here
