"""Scores from how a source's classes go with the target's labels: NCE, LEEP, N-LEEP. The larger, the better."""

from __future__ import annotations

import warnings

import numpy as np

from analysis.transferability.pair import Array, Labels, Samples
from analysis.transferability.principal_components import whole_components

KEPT_VARIANCE = 0.8
"""Of N-LEEP's principal components (Li et al. 2021)."""


def nce(source_labels: Labels, target_labels: Labels) -> float:
    """Negative conditional entropy -H(Y | Z) in nats (Tran, Nguyen, Hassner, ICCV 2019, arXiv:1908.08142).

    source_labels, target_labels: (n,), of the same samples. At most 0, which it is where Z tells Y.
    """
    joint = np.zeros((int(source_labels.max()) + 1, int(target_labels.max()) + 1))
    np.add.at(joint, (source_labels, target_labels), 1.0 / len(target_labels))
    given = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
    return float((joint * np.log(np.where(joint > 0, given, 1.0))).sum())


def leep(probabilities: Array, labels: Labels) -> float:
    """Log expected empirical prediction (Nguyen, Hassner, Seeger, Archambeau, ICML 2020, arXiv:2002.12462).

    probabilities: (n, source classes), of the source's head on the target's samples; labels: (n,). The mean log of
    sum_z P(y | z) theta(x)_z, with P(y | z) from the empirical joint of theta and the labels. At most 0.
    """
    n = len(labels)
    joint = np.zeros((int(labels.max()) + 1, probabilities.shape[1]))
    np.add.at(joint, labels, probabilities / n)
    given = joint / np.maximum(joint.sum(axis=0, keepdims=True), 1e-300)
    expected = (probabilities * given[labels]).sum(axis=1)
    return float(np.log(np.maximum(expected, 1e-300)).mean())


def n_leep(target: Samples, components: int | None = None, seed: int = 0) -> float:
    """LEEP with clusters in place of source classes (Li et al., CVPR 2021, arXiv:2011.11200): needs no source head.

    The features' principal components with KEPT_VARIANCE of the variance are fitted by a Gaussian mixture, whose
    posterior takes the place of the head's softmax. `components` is ours by default: one for each target class.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    z = whole_components(target.features, KEPT_VARIANCE)
    number = min(components or target.classes, len(z))
    mixture = GaussianMixture(number, covariance_type="diag", reg_covar=1e-4, random_state=seed)
    with warnings.catch_warnings():  # a mixture that still moves is as good a set of clusters
        warnings.simplefilter("ignore", ConvergenceWarning)
        posterior = np.asarray(mixture.fit(z).predict_proba(z), dtype=np.float64)
    return leep(posterior, target.labels)
