"""The sweep that answers how deep to freeze given weights for a folder of images, as YAML text to be edited.

Depths are spread evenly over the network's ladder, nothing frozen and the head alone among them; seeds are replicates;
smaller target sizes, where the images allow them, show what more images would do; and training from scratch is there to
compare with. One learning rate for all depths is a choice: the text says that it is one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from frostline.own_images.pictures import Pictures, channels_of_weights
from orchestrator.schedule.vocabulary import KnownWords
from sweeps.errors import InputError, from_pydantic, printable
from sweeps.spec import ModelSpec

PRETRAINED = "pretrained"
OWN_NETWORK = re.compile(r"([a-z_]+?)(\d+)-w(\d+)")
FEWEST_PER_CLASS = 10
"""Images of each class, on average, in the smallest target set."""
MOST_SIZES = 3
TEXT = """\
# Written by
# {command}
# Edit and extend it like any sweep: what has run is not run again. The same command goes on with it as it is, and so do
#   frostline run {file}        and then        frostline advise {file}
# Paths are relative to the folder that the command is called in.
# {train:,} images of {classes} classes to train on, {test:,} to test on. The network has {length} units; {tried}.
name: {name}
edition: 2
about: How deep to freeze {model} for {folder}.
base:
  source: null                  # what is transferred are model.weights
  target: {{task: {{name: images, path: {path}}}, size: {largest}}}
  model: {network}
  # One recipe for all depths; another learning rate may have another best depth: make train.learning_rate an axis.
  train: {{optimizer: adam, learning_rate: 1e-3, schedule: cosine, batch_size: {batch}, epochs: {epochs}}}
blocks:
  - axes:                       # from the weights, by frozen depth
      target.size: {sizes}
      transfer.frozen: {depths}
      seed: 0..{last_seed}
  - base: {{model: {{weights: null}}}}   # from scratch, nothing frozen: what transfer is compared with
    axes:
      target.size: {sizes}
      seed: 0..{last_seed}
"""


@dataclass(frozen=True)
class Network:
    """A network as `model` of a sweep has it (`fields`), its name, and the units of its ladder."""

    name: str
    fields: dict[str, object]
    length: int


@dataclass(frozen=True)
class Choice:
    """How much a sweep asks for: how many depths, seeds and target sizes."""

    depths: int
    seeds: int
    sizes: int


def network_of(name: str, weights: str, pictures: Pictures, side: int | None) -> Network:
    """The network of `--model`: a model of timm by name (`resnet18`), or one of ours as tables name it (`resnet14-w8`).

    One of ours reads as many colour channels as its weights do; timm adapts weights to the images. Raises InputError.
    """
    own = OWN_NETWORK.fullmatch(name)
    fields: dict[str, object]
    if own is not None:
        channels = pictures.channels if weights == PRETRAINED else channels_of_weights(Path(weights))
        fields = {"family": own[1], "depth": int(own[2]), "width": int(own[3])}
    else:
        channels = pictures.channels
        fields = {"family": "timm", "name": name}
    fields |= {"image_size": side or pictures.side, "channels": channels or pictures.channels, "weights": weights}
    words = KnownWords()
    try:
        model = words.model(ModelSpec.model_validate(fields))
        return Network(name, fields, words.ladder_length(model))
    except ValidationError as problem:
        raise from_pydantic(problem, {"": tuple(ModelSpec.model_fields)}, f"--model {name}: ") from None
    except ValueError as problem:
        raise InputError(str(problem)) from None  # it names the field of the model


def depths_of(length: int, number: int) -> list[int]:
    """So many depths of a ladder of `length` units, evenly spread: 0 and the last (head alone) among them; all where
    there are no more.

    >>> depths_of(10, 4)
    [0, 3, 6, 9]
    """
    if number >= length:
        return list(range(length))
    return [round(place * (length - 1) / (number - 1)) for place in range(number)]


def sizes_of(pictures: Pictures, number: int) -> list[int]:
    """All images to train on, half of them, a quarter: as many as leave FEWEST_PER_CLASS a class; one at least."""
    sizes = [pictures.train // 2**step for step in range(min(number, MOST_SIZES))]
    least = FEWEST_PER_CLASS * len(pictures.classes)
    return sizes[:1] + [size for size in sizes[1:] if size >= least]


def sweep_text(pictures: Pictures, network: Network, choice: Choice, epochs: int, file: Path, command: str) -> str:
    """The sweep as YAML. Its name is that of the file; `command` is what it was written by."""
    sizes, depths = sizes_of(pictures, choice.sizes), depths_of(network.length, choice.depths)
    return TEXT.format(
        command=command,
        file=printable(str(file)),
        train=pictures.train,
        test=pictures.test,
        classes=len(pictures.classes),
        length=network.length,
        tried="all depths are tried" if len(depths) == network.length else f"{len(depths)} depths are tried",
        name=json.dumps(name_for(file)),
        model=network.name,
        folder=_one_line(pictures.path.name or str(pictures.path)),
        path=_scalar(str(pictures.path)),
        network="{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in network.fields.items()) + "}",
        largest=sizes[0],
        batch=32 if sizes[0] < 2000 else 64,
        epochs=epochs,
        sizes=sizes,
        depths=depths,
        last_seed=choice.seeds - 1,
    )


def name_for(file: Path) -> str:
    """The name of the sweep in a file: the file's, as far as a sweep may be named so."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", file.stem).lstrip("_.-")[:80] or "images"


def _scalar(value: object) -> str:
    """A value as YAML reads it back: JSON's texts are YAML's double-quoted ones."""
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return re.sub(r"[^\w .+-]+", " ", text).strip() or "images"
