"""Frozen, validated specifications of one run.

A field's default is part of a run's identity: changing a default changes the id of every run that left it out.
A field added later must default to None, meaning the behaviour before it existed (see sweeps/identity.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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
Pixels = Annotated[Whole, Field(ge=8, le=64)]
Channels = Annotated[Literal[1, 3], BeforeValidator(whole)]
TaskName = Annotated[str, Field(min_length=1, max_length=LONGEST), BeforeValidator(as_text)]
"""The text of a task; a mapping of `name` and parameters is read too (sweeps/language/task_text.py)."""
FamilyName = Annotated[str, Field(min_length=1, max_length=200)]
Loss = Literal["cross_entropy", "squared"]
MethodName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

DEFAULT_LOSS: Loss = "cross_entropy"
DEFAULT_METHOD = "gradient"
"""What `loss: null` and `method: null` mean. Written out they are read as null: one meaning, one id."""


class Spec(BaseModel):
    """Base of every specification: immutable, no unknown keys, no silent conversion of meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Recipe(Spec):
    """How weights are trained, on whichever task. Rates per step, sizes in samples, lengths in epochs."""

    epochs: Index = 100
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Rate = 1e-3
    schedule: Literal["constant", "cosine", "inverse_sqrt"] = "constant"
    batch_size: AtLeastTwo = 64
    momentum: Momentum = 0.0
    weight_decay: NonNegative = 0.0
    augment: Literal["none", "crop_flip"] = "none"
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    batches: Batching | None = None
    """How the samples of an epoch are cut: full batches and a smaller last one (None), or sizes that differ by 1."""
    kernels: Kernels | None = None
    """How the same function is computed: as timm has it (None), or as was measured to be faster in the family."""
    loss: Annotated[Loss | None, AfterValidator(lambda loss: None if loss == DEFAULT_LOSS else loss)] = None
    method: Annotated[MethodName | None, AfterValidator(lambda name: None if name == DEFAULT_METHOD else name)] = None


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


class TransferSpec(Spec):
    """What the target network keeps of the source: its first `frozen` units do not train.

    `norm` says what a frozen normalisation layer does: `eval` keeps statistics and affine fixed, `stats` lets the
    statistics follow the target data, `train` also trains the affine parameters.
    """

    frozen: Index = 0
    norm: FrozenNorm = "eval"


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
