"""The schema of what a run leaves behind: one record per epoch, one per run. Writers and readers meet here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sweeps.spec import Spec

Status = Literal["missing", "running", "done", "diverged", "failed", "blocked"]
FINAL: tuple[Status, ...] = ("done", "diverged")


class EpochRecord(NamedTuple):
    """One epoch, measured after it in evaluation mode, on the whole of each set, without augmentation.

    Errors are shares of wrongly classified samples. Losses are means over the set of the loss of the run's recipe:
    cross-entropy in nats, or the squared distance to the one-hot target averaged over classes. Of a regression task an
    error is the share of the targets' variance that is left unexplained (1 - R^2: 0 is exact, 1 as good as the mean,
    worse is above 1), and a loss the mean squared error over samples and target values. NaN means that there is nothing
    to measure (no flipped label, say). `epoch` counts from 1; `step` is optimizer steps so far.
    """

    epoch: int
    step: int
    test_error: float
    test_loss: float
    train_error: float
    """On the labels as given, noisy ones included."""
    train_loss: float
    train_error_clean: float
    """On the samples whose label is true."""
    train_error_flipped_given: float
    """On the samples whose label was flipped, against the flipped label: 0 means memorised."""
    train_error_flipped_true: float
    """On the same samples, against their true label."""
    learning_rate: float
    """Of the epoch's last step."""
    seconds: float
    """Of training and evaluating this epoch."""


EPOCH_TYPES: dict[str, str] = {
    name: "int64" if name in ("epoch", "step") else "float64" for name in EpochRecord._fields
}
ADAPTATION = (
    "residual_share",
    "weight_change",
    "penalty",
    "effective_rank",
    "hidden_rounds",
    "hidden_weight_change",
    "feature_shift",
    "target_shift",
    "first_order_error",
    "unadapted_test_error",
    "unadapted_test_loss",
    "unadapted_train_loss",
    "adaptation_harm",
)
"""Measures of a run whose head was adapted in closed form (docs/tables.md says what each is), as in `measures`."""

TIME_COLUMNS = ("seconds", "wall_seconds", "compute_seconds")
"""What differs between two runs of the same spec: no comparison of results looks at it."""


class RunRecord(Spec):
    """What is committed beside the epochs. `spec` is the full specification, compared on every entry."""

    schema_version: int
    kind: Literal["run", "source"]
    id: str
    name: str
    spec: dict[str, Any]
    status: Literal["done", "diverged"]
    epochs: int
    ladder: tuple[str, ...]
    trainable_params: int
    total_params: int
    epochs_sha256: str
    weights_sha256: str | None = None
    data_sha256: str
    test_samples: int | None = None
    """Of the test set, which all runs of a target task share. None in records from before it was written, and of a
    regression task, whose errors are not shares of samples."""
    wall_seconds: float
    """From the start of the last attempt to the commit."""
    compute_seconds: float
    """Of all epochs that stand in the curve."""
    attempts: int
    device: str
    notes: tuple[str, ...] = ()
    measures: dict[str, tuple[float | None, ...]] | None = None
    """Of each measure that the recipe asked for (`measures`) its value at each row of the curve; None for NaN."""
    inherited_share: float | None = None
    """Where `transfer.inherit` names a part: the share of all scalar parameters but the head's that was inherited."""
    inherited_digest: str | None = None
    """Of the mask: equal masks have equal digests."""
    provenance: dict[str, Any]

    @property
    def busy_seconds(self) -> float:
        """How long a worker was busy with it. The wall time of a resumed one is that of its last attempt alone."""
        return max(self.wall_seconds, self.compute_seconds)


class FailureRecord(Spec):
    """One attempt that ended in an error."""

    kind: Literal["run", "source"]
    id: str
    name: str
    error: str
    traceback: str
    host: str
    at: str


class SweepRecord(Spec):
    """The expanded sweep: what analysis reads to know which runs belong together."""

    schema_version: int
    name: str
    about: str
    digest: str
    runs: dict[str, dict[str, Any]]
    """The full spec of each run by its id."""
    citations: dict[str, str] = Field(default_factory=dict)
    """What to cite for each data set in use, and its licence, by the data set's name. Empty in records from before."""
    relatedness: dict[str, dict[str, dict[str, float]]] = Field(default_factory=dict)
    """By source task, then target task: what is computed of their classes (tasks/relation.py). Empty in records from
    before."""
    edition: int | None = None
    """Of the sweep (sweeps/editions.py). None in records from before there were editions: the first."""


class RecordedRuns(BaseModel):
    """Of a sweep's record, which runs it has. Their specifications are read past: those of 100,000 runs fill a GiB."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: int
    runs: dict[str, Annotated[Any, AfterValidator(lambda _: None)]]


class RankedPair(Spec):
    """A start (source model or file of weights) and a target of one seed, with what foretells how well it transfers."""

    id: str
    context: str
    """What is compared with each other: candidates of one context share their target, and the network unless several
    networks are compared."""
    candidate: str
    """The start, whatever the seed: pairs that share it and the context are replicates."""
    place: int
    """Of the candidate in its context, by the score `RankingRecord.named`, mean over seeds: 1 is the best."""
    source_id: str | None
    seed: int
    runs: tuple[str, ...]
    """Ids of the sweep's runs that have this start and this target."""
    values: dict[str, float]
    """Of each score, and of each term of the bound."""
    seconds: dict[str, float]
    """What each score took, and `features`."""


class RankingRecord(Spec):
    """The sources of a sweep, ranked from features of training samples, before its runs."""

    schema_version: int
    name: str
    digest: str
    """Of the sweep."""
    named: str
    """The score that orders the sources."""
    at: str
    runs_done: int
    """Runs that had a result when it was made: 0 where it was made before any measurement."""
    across_models: bool
    pairs: tuple[RankedPair, ...]


class PredictedRun(Spec):
    """What theory predicts of one run (`frostline theory`). Errors are shares; of a regression, shares of the
    targets' variance."""

    id: str
    kind: str
    """Which theory: `exact`, which surrogate, or which limit of infinite width."""
    test_error: float
    """After the last epoch."""
    epochs: tuple[int, ...] = ()
    """Of a readout's curve, some hundred of those evaluated; empty where theory is of the end alone."""
    train_errors: tuple[float, ...] = ()
    test_errors: tuple[float, ...] = ()


class TheoryRecord(Spec):
    """What theory predicts of a sweep's runs; runs without a theory are not in it."""

    schema_version: int
    name: str
    digest: str
    """Of the sweep."""
    at: str
    runs: tuple[PredictedRun, ...]
