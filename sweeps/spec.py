"""Frozen, validated specifications of one run.

A field's default is part of a run's identity: changing a default changes the id of every run that left it out.
A field added later must default to None, meaning the behaviour before it existed (see sweeps/identity.py).
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sweeps.language.field_types import (
    AtLeastTwo,
    Channels,
    Count,
    Decay,
    Flag,
    Index,
    Momentum,
    NonNegative,
    NumberList,
    Pixels,
    Rate,
    Share,
    Spec,
    null_for,
    text_like,
)
from sweeps.language.list_text import numbers_of, words_as_text
from sweeps.language.task_text import LONGEST, as_text
from sweeps.language.transfer import FrozenNorm as FrozenNorm
from sweeps.language.transfer import InheritSpec as InheritSpec
from sweeps.language.transfer import TransferSpec as TransferSpec
from sweeps.language.transfer import leading_zeros as leading_zeros
from sweeps.seeds import Role

NoiseKind = Literal["incorrect", "any", "permute"]
Batching = Literal["even"]
Kernels = Literal["tuned"]

TaskName = Annotated[str, Field(min_length=1, max_length=LONGEST), BeforeValidator(as_text)]
"""The text of a task; a mapping of `name` and parameters is read too (sweeps/language/task_text.py)."""
TimmName = Annotated[
    str, text_like(r"[a-z0-9][A-Za-z0-9_.]{0,99}", "the name of a model of timm: letters, digits, '_' and '.'")
]
FamilyName = Annotated[str, Field(min_length=1, max_length=200)]
Loss = Literal["cross_entropy", "squared"]
MethodName = Annotated[str, text_like(r"[a-z][a-z0-9_]{0,39}", "lower-case letters, digits and '_', as in lva_ridge")]
Evaluation = Literal["epochs", "log"]
HeadStart = Literal["lva_exact", "lva_ridge", "lva_perturb"]
MEASURES = ("readout_gap", "source_distance", "source_error", "alignment", "noise_memory")
"""What may be measured beside the errors and losses of an epoch (orchestrator/train/methods/measures.py)."""

DEFAULT_LOSS: Loss = "cross_entropy"
DEFAULT_METHOD = "gradient"
DEFAULT_DECAY = 0.1
DEFAULT_EVALUATION: Evaluation = "epochs"
"""What `loss: null`, `method: null` and so on mean. Written out they are read as null: one meaning, one id."""


def _milestones(text: str | None) -> str | None:
    epochs = () if text is None else numbers_of(text)
    whole_ones = all(epoch.is_integer() and 1 <= epoch <= 10**9 for epoch in epochs)
    if not whole_ones or list(epochs) != sorted(set(epochs)):
        raise ValueError("epochs are whole numbers from 1 on, ascending")
    return text


def _biases(text: str | None) -> str | None:
    """A bias everywhere is what null stands for."""
    if not set(given := () if text is None else numbers_of(text)) <= {0, 1}:
        raise ValueError("1 for a layer with a bias, 0 for one without")
    return None if all(given) else text


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
    nesterov: Annotated[Flag | None, null_for(False)] = None
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

    `width` is k in the channels of the stages, k, 2k, 4k and, with four stages, 8k (ResNet), the growth rate (DenseNet)
    or the embedding size (ViT);
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
    """Length of the input vector, in place of `image_size` and `channels`; None: it reads images."""
    richness: Annotated[Rate | None, null_for(1.0)] = None
    activation: Annotated[Literal["relu", "linear"] | None, null_for("relu")] = None
    """Of a mean-field network: gamma, how much its features change (None: 1), and what its units are (None: relu)."""
    weights: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Pre-trained weights that the network starts from instead of random ones: a safetensors file, or `pretrained`
    for timm's own; in a run's specification their digest, `sha256:` and 64 hex digits."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A model with a name of its own has no other depth and width."""
        return {"depth": 1, "width": 1, **value} if isinstance(value, dict) and value.get("name") is not None else value


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

    def from_scratch(self) -> RunSpec:
        """The run of the same network, target, recipe and seed that starts from random weights and freezes nothing.

        It is what a transfer is compared with.
        """
        model = self.model if self.model.weights is None else self.model.model_copy(update={"weights": None})
        transfer = TransferSpec(richness=self.transfer.richness)
        left = [name for name in (self.train.measures or "").split(",") if name != "source_error"]
        train = self.train.model_copy(update={"measures": ",".join(left) or None})
        return self.model_copy(update={"source": None, "transfer": transfer, "model": model, "train": train})
