"""What the name of a column tells: the axis, the run, the seed, or a quantity with its split and its direction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["error", "accuracy", "loss", "unknown"]

TEST = ("test", "val", "valid", "validation", "eval", "evaluation", "dev", "holdout", "heldout")
TRAIN = ("train", "training")
EPOCH = ("epoch", "epochs", "ep", "epoch_number", "n_epoch", "num_epoch")
STEP = ("step", "steps", "global_step", "trainer_global_step", "_step", "iteration", "iterations", "iter", "iters")
RUN = ("run", "run_id", "run_name", "name", "experiment", "exp", "model", "id", "key")
SEED = ("seed", "random_seed", "seeds", "rng_seed", "replicate", "repeat", "trial", "fold")
AXES: dict[str, tuple[str, ...]] = {
    "epoch": EPOCH,
    "frozen": ("frozen", "frozen_units", "frozen_layers", "n_frozen", "num_frozen", "freeze"),
    "width": ("width", "widths", "hidden", "hidden_units", "hidden_size", "hidden_dim", "n_hidden", "num_hidden", "k",
              "width_multiplier", "width_mult", "width_factor", "channels", "n_features", "num_features", "features",
              "params", "n_params", "num_params", "parameters", "n_parameters", "num_parameters"),
    "size": ("size", "train_size", "n_train", "num_train", "n", "n_samples", "num_samples", "samples", "sample_size",
             "set_size", "dataset_size", "train_samples"),
    "depth": ("depth", "layers", "n_layers", "num_layers", "blocks", "n_blocks", "num_blocks"),
}  # fmt: skip

_ERROR = {"error", "err", "errors", "misclassification"}
_ACCURACY = {"accuracy", "acc", "acc1", "acc5", "top1", "top5"}
_LOSS = {"loss", "losses", "mse", "rmse", "mae", "nll", "ce", "bce", "xent", "crossentropy", "entropy", "perplexity",
         "ppl", "deviance", "squared", "absolute"}  # fmt: skip
_HIGH_OR_LOW = {"prec", "precision", "recall", "iou", "miou", "f1", "auc", "dice", "map", "kappa", "r2", "score"}
_PERCENT = {"percent", "pct", "percentage"}
_HARMLESS = {
    *("rate", "mean", "avg", "average", "epoch", "classification", "metrics", "metric", "1", "top", "at"),
    *("sparse", "categorical", "binary", "multiclass", "final", "last", "top1", "value"),
}
_COMPLEMENT = re.compile(r"(?<![a-z0-9])(1(?:\.0*)?|one|100)\s*(?:-|–|−|_?minus_?)\s*(?=[\s_(a-z])", re.IGNORECASE)
_GLUED = re.compile(r"^(train|test|valid|val|eval)_?(accuracy|acc|error|err|loss|top1)$")
SEED_PART = re.compile(r"(?:^|(?<=[\W_]))(?:random_?)?(?:seed|replicate|rep|trial|fold|s)[\s_=:.-]?(\d+)(?=$|[\W_])", re.IGNORECASE)  # fmt: skip # noqa: E501


@dataclass(frozen=True)
class Quantity:
    """split: "test", "train" or "" where the name has none. rank: 0 for test, 1 for val, and so on. plainly: the name
    holds nothing but split, quantity and unit, so that it may be chosen without being asked for.
    """

    kind: Kind
    split: str
    rank: int
    percent: bool
    plainly: bool


@lru_cache(maxsize=200_000)
def plain(name: str) -> str:
    """A column's name in lower case, words joined by _, without the _epoch that Lightning appends."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name).strip()).lower()
    kept = re.sub(r"[^a-z0-9_]+", "_", name).strip("_" if name[:1] != "_" else "")
    return kept.removesuffix("_epoch") if kept not in EPOCH else kept


@lru_cache(maxsize=200_000)
def last_part(name: str) -> str:
    """`width` of `params.width` or `config/width`; Frostline's and MLflow's names of settings are such."""
    return plain(re.split(r"[./]", str(name).strip())[-1])


@lru_cache(maxsize=200_000)
def quantity(name: str) -> Quantity:
    """What a column's name says of its numbers.

    >>> quantity("val/top1_acc_pct").kind, quantity("1 - test_acc").kind, quantity("val_iou").kind
    ('accuracy', 'error', 'unknown')
    """
    complement = _COMPLEMENT.search(name)
    rest = name[: complement.start()] + " " + name[complement.end() :] if complement else name
    tokens: list[str] = []
    for token in plain(rest).split("_"):
        glued = _GLUED.match(token)
        tokens += glued.groups() if glued else [token] if token else []
    words = set(tokens)
    splits = [token for token in tokens if token in TEST or token in TRAIN]
    split = "" if not splits else "test" if splits[0] in TEST else "train"
    rank = TEST.index(splits[0]) if split == "test" else len(TEST)
    kind = _kind(words, complement is not None)
    known = {*_ERROR, "accuracy", "acc", "acc1", "top1", *_HARMLESS, *_PERCENT, *TEST, *TRAIN}
    if kind == "loss":
        known |= _LOSS | {"cross", "error"}
    percent = bool(words & _PERCENT) or "%" in name or (complement is not None and complement[1] == "100")
    return Quantity(kind, split, rank, percent, kind != "unknown" and words <= known and len(set(splits)) <= 1)


def _kind(words: set[str], complement: bool) -> Kind:
    accuracy, error, loss = bool(words & _ACCURACY), bool(words & _ERROR), bool(words & _LOSS)
    if words & _HIGH_OR_LOW or (accuracy and loss) or (complement and not accuracy):
        return "unknown"
    if loss:
        return "loss"
    if accuracy and (error or complement):
        top_only = not words & {"accuracy", "acc"}  # "top1_error" is an error, "acc_error" could be either
        return "error" if complement != error and (complement or top_only) else "unknown"
    return "error" if error else "accuracy" if accuracy else "unknown"


def seed_of(name: str) -> tuple[str, str] | None:
    """`test_error_seed3` is (`test_error`, `3`); None where no seed is named."""
    found = SEED_PART.search(name)
    if found is None:
        return None
    rest = f"{name[: found.start()].rstrip(' _-/.([=:')}\0{name[found.end() :].lstrip(' _-/.)]')}"
    before, _, after = rest.partition("\0")
    return ("_".join(part for part in (before, after) if part), found[1])
