"""Frozen, validated specifications of one run.

A field's default is part of a run's identity: changing a default changes the id of every run that left it out.
A field added later must default to None, meaning the behaviour before it existed (see sweeps/identity.py).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sweeps.language.list_text import numbers_as_text, numbers_of, words_as_text
from sweeps.language.plain_yaml import real, whole
from sweeps.language.task_text import LONGEST, as_text
from sweeps.seeds import Role

NoiseKind = Literal["incorrect", "any", "permute"]
FrozenNorm = Literal["eval", "stats", "train"]
Batching = Literal["even"]
Kernels = Literal["tuned"]

Whole = Annotated[int, BeforeValidator(whole)]
Real = Annotated[float, BeforeValidator(real)]
AtLeastTwo = Annotated[Whole, Field(ge=2, le=10**9)]
Count = Annotated[Whole, Field(ge=1, le=10**9)]
Index = Annotated[Whole, Field(ge=0, le=10**9)]
Rate = Annotated[Real, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[Real, Field(ge=0, le=1, allow_inf_nan=False)]
NonNegative = Annotated[Real, Field(ge=0, allow_inf_nan=False)]
Momentum = Annotated[Real, Field(ge=0, lt=1, allow_inf_nan=False)]
Pixels = Annotated[Whole, Field(ge=8, le=224)]
Channels = Annotated[Literal[1, 3], BeforeValidator(whole)]
TaskName = Annotated[str, Field(min_length=1, max_length=LONGEST), BeforeValidator(as_text)]
"""The text of a task; a mapping of `name` and parameters is read too (sweeps/language/task_text.py)."""
TimmName = Annotated[str, Field(pattern=re.compile(r"^[a-z0-9][A-Za-z0-9_.]{0,99}$"))]
FamilyName = Annotated[str, Field(min_length=1, max_length=200)]
Loss = Literal["cross_entropy", "squared"]
MethodName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Evaluation = Literal["epochs", "log"]
HeadStart = Literal["lva_exact", "lva_ridge", "lva_perturb"]
MEASURES = ("readout_gap", "source_distance", "source_error")
"""What may be measured beside the errors and losses of an epoch (orchestrator/train/methods/measures.py)."""

DEFAULT_LOSS: Loss = "cross_entropy"
DEFAULT_METHOD = "gradient"
DEFAULT_DECAY = 0.1
DEFAULT_EVALUATION: Evaluation = "epochs"
"""What `loss: null`, `method: null` and so on mean. Written out they are read as null: one meaning, one id."""


def null_for(default: Any) -> AfterValidator:
    """Reads the value that null stands for as null."""
    return AfterValidator(lambda value: None if value == default else value)


def _factors(text: str | None) -> str | None:
    """Factors of 1 at the end say nothing."""
    factors = () if text is None else numbers_of(text)
    if any(not 0 <= factor < float("inf") for factor in factors):
        raise ValueError("factors are 0 or more")
    while factors and factors[-1] == 1:
        factors = factors[:-1]
    return numbers_as_text(factors) if factors else None


def _milestones(text: str | None) -> str | None:
    epochs = () if text is None else numbers_of(text)
    whole_ones = all(epoch.is_integer() and 1 <= epoch <= 10**9 for epoch in epochs)
    if not whole_ones or list(epochs) != sorted(set(epochs)):
        raise ValueError("epochs are whole numbers from 1 on, ascending")
    return text


def _biases(text: str | None) -> str | None:
    """A bias everywhere is what null stands for."""
    given = () if text is None else numbers_of(text)
    if not set(given) <= {0, 1}:
        raise ValueError("1 for a layer with a bias, 0 for one without")
    return None if all(given) else text


NumberList = Annotated[str, BeforeValidator(numbers_as_text)]
"""Text of numbers; a list is read too (sweeps/language/list_text.py)."""
Decay = Annotated[Real, Field(gt=0, lt=1, allow_inf_nan=False)]


def leading_zeros(factors: tuple[float, ...]) -> int:
    """How many of the first factors are 0."""
    return next((place for place, factor in enumerate(factors) if factor != 0), len(factors))


class Spec(BaseModel):
    """Base of every specification: immutable, no unknown keys, no silent conversion of meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Recipe(Spec):
    """How weights are trained, on whichever task. Rates per step, sizes in samples, lengths in epochs."""

    epochs: Index = 100
    optimizer: Literal["adam", "sgd", "adamw"] = "adam"
    learning_rate: Rate = 1e-3
    schedule: Literal["constant", "cosine", "inverse_sqrt", "step"] = "constant"
    batch_size: AtLeastTwo = 64
    momentum: Momentum = 0.0
    weight_decay: NonNegative = 0.0
    augment: Literal["none", "crop_flip"] = "none"
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    batches: Batching | None = None
    """How the samples of an epoch are cut: full batches and a smaller last one (None), or sizes that differ by 1."""
    kernels: Kernels | None = None
    """How the same function is computed: as timm has it (None), or as was measured to be faster in the family."""
    loss: Annotated[Loss | None, null_for(DEFAULT_LOSS)] = None
    method: Annotated[MethodName | None, null_for(DEFAULT_METHOD)] = None
    head_start: HeadStart | None = None
    """The head's weights before gradient descent: as they are (None), or adapted in closed form."""
    nesterov: Annotated[Annotated[bool, Field(strict=True)] | None, null_for(False)] = None
    """Nesterov's form of the momentum, of `sgd`."""
    steps: Count | None = None
    """The budget in optimizer steps. `epochs` is 0 then."""
    warmup: Count | None = None
    """Steps over which the learning rate rises linearly to its schedule's."""
    milestones: Annotated[NumberList | None, AfterValidator(_milestones)] = None
    """Of schedule `step`: after so many epochs the learning rate is multiplied by `decay`."""
    decay: Annotated[Decay | None, null_for(DEFAULT_DECAY)] = None
    clip: Rate | None = None
    """The largest L2 norm of the gradient of all that trains, together; a longer one is scaled to it."""
    evaluate: Annotated[Evaluation | None, null_for(DEFAULT_EVALUATION)] = None
    """After which epochs both sets are evaluated: each (None), or 20 a decade and the last."""
    measures: Annotated[str | None, BeforeValidator(partial(words_as_text, allowed=MEASURES))] = None
    """What else is measured with each evaluation; it changes no curve."""

    @model_validator(mode="before")
    @classmethod
    def _one_budget(cls, value: Any) -> Any:
        """With a budget in steps and no word on epochs, these are 0: not a default that would say nothing."""
        given = isinstance(value, dict) and value.get("steps") is not None and "epochs" not in value
        return {**value, "epochs": 0} if given else value


class LabelledSet(Spec):
    """A task, how many of its samples are trained on, and the noise on their labels. Test labels stay clean."""

    task: TaskName
    size: AtLeastTwo
    label_noise: Share = 0.0
    noise_kind: NoiseKind = "incorrect"


class SourceSpec(LabelledSet, Recipe):
    """The task a network is pre-trained on, and how."""

    epochs: Index = 10
    seed: Index | None = None
    """Of the source model: its subset, noise, weights and order of samples. None is the run's own seed."""


class TargetSpec(LabelledSet):
    """The task a network is then trained on."""


class ModelSpec(Spec):
    """A network of one family. Which families there are, and which of their networks, `architectures` says.

    `width` is k in the channels [k, 2k, 4k, 8k] (ResNet), the growth rate (DenseNet) or the embedding size (ViT);
    `depth` is the family's usual count: layers with weights (ResNet, DenseNet) or blocks (ViT).
    `image_size` is the side of the square input in pixels, `channels` its colour channels.
    """

    family: FamilyName
    depth: Count
    width: Count
    image_size: Pixels = 8
    channels: Channels = 1
    name: TimmName | None = None
    """Of a model of timm, for the family `timm`; `depth` and `width` are 1 then."""
    patch: Count | None = None
    """Side of a patch in pixels (ViT); None: a quarter of the image, at most 4."""
    biases: Annotated[NumberList | None, AfterValidator(_biases)] = None
    """Of a perceptron's layers, the head last: 1 with a bias, 0 without. None: all have one."""
    inputs: Count | None = None
    """Length of the input, for a network on vectors; None: it reads images. `image_size` and `channels` say nothing
    then."""
    richness: Annotated[Rate | None, null_for(1.0)] = None
    activation: Annotated[Literal["relu", "linear"] | None, null_for("relu")] = None
    """Of a mean-field network: gamma, how much its features change by training (None: 1), and its units (None: relu)."""
    weights: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Pre-trained weights that the network starts from instead of random ones: a safetensors file, or `pretrained`
    for timm's own; in a run's specification their digest, `sha256:` and 64 hex digits."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A model with a name of its own has no other depth and width."""
        return {"depth": 1, "width": 1, **value} if isinstance(value, dict) and value.get("name") is not None else value


class TransferSpec(Spec):
    """What the target network keeps of the source: its first `frozen` units do not train.

    `norm` says what a frozen normalisation layer does: `eval` keeps statistics and affine fixed, `stats` lets the
    statistics follow the target data, `train` also trains the affine parameters.
    """

    frozen: Index = 0
    norm: FrozenNorm = "eval"
    rate_factors: Annotated[NumberList | None, AfterValidator(_factors)] = None
    """Of the ladder's units, from the stem on, those not named having 1: times the learning rate. A unit of factor 0 is
    frozen; zeros at the start are `frozen` units."""
    richness: Rate | None = None
    """gamma of a mean-field target network; None: that of the model."""
    head: Literal["source"] | None = None
    """Whose head the target starts with: a fresh one (None), or the source's, where both tasks have as many outputs."""
    l2_sp: Rate | None = None
    """The pull of all units but the head towards the weights that training starts from (Li et al. 2018)."""

    @model_validator(mode="before")
    @classmethod
    def _leading_zeros(cls, value: Any) -> Any:
        """Units of factor 0 at the start of the ladder are frozen ones: one meaning, one id.

        Where `frozen` is written out too it is kept: a plan refuses one that is not the number of these units.
        """
        if not isinstance(value, dict) or value.get("rate_factors") is None:
            return value
        try:
            text = _factors(numbers_as_text(value["rate_factors"]))
            factors = numbers_of(text) if text is not None else ()
            frozen = int(whole(value["frozen"])) if "frozen" in value else leading_zeros(factors)
        except ValueError:  # for the fields themselves to say
            return value
        only_frozen = len(factors) == frozen and not any(factors)
        return {**value, "frozen": frozen, "rate_factors": None if only_frozen else text}


class TrainSpec(Recipe):
    """How the target network is trained."""


class RunSpec(Spec):
    """One run, fully resolved. `source: null` starts from random weights: nothing is transferred."""

    source: SourceSpec | None
    target: TargetSpec
    model: ModelSpec
    transfer: TransferSpec = TransferSpec()
    train: TrainSpec = TrainSpec()
    seed: Index = 0

    def seed_of(self, role: Role) -> int:
        """The seed of one role's data, weights and order of samples.

        A run without a source has the seed that its source would have: its own.
        """
        given = self.source.seed if role == "source" and self.source is not None else None
        return self.seed if given is None else given
