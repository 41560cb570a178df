"""CIFAR-100: 60,000 colour photographs of 32x32 pixels in 100 classes, five in each of 20 superclasses.

Read from the authors' binary archive, as CIFAR-10. A record is one byte of superclass, one of class, and 3,072 of
pixels. Classes and superclasses are numbered in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.files.cifar_records import write_splits
from tasks.files.download import Download
from tasks.files.draft import Draft
from tasks.files.prepared import SplitName
from tasks.files.published import Published

SUPERCLASSES: dict[str, tuple[str, ...]] = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
"""The authors' table: the classes of each superclass."""
CLASSES = tuple(sorted(name for names in SUPERCLASSES.values() for name in names))
_OF = {name: superclass for superclass, names in SUPERCLASSES.items() for name in names}
POOL = (500,) * 100
ARCHIVE = Download(
    file="cifar-100-binary.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    bytes=168_513_733,
)
MEMBERS: dict[SplitName, tuple[str, ...]] = {
    "train": ("cifar-100-binary/train.bin",),
    "test": ("cifar-100-binary/test.bin",),
}


def make(draft: Draft, files: Mapping[str, Path]) -> None:
    """Write both splits of a draft. Raises BadArchive."""
    write_splits(draft, files[ARCHIVE.file], MEMBERS, (len(SUPERCLASSES), len(CLASSES)), 1)


FILES = Published("cifar100", CLASSES, (ARCHIVE,), make)

DATASET = FILES.dataset(
    pool=POOL,
    held_out=lambda classes: 100 * len(classes),
    superclasses=tuple(_OF[name] for name in CLASSES),
    citation=(
        "CIFAR-100: A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report, "
        "University of Toronto."
    ),
    licence="none is stated by its authors",
)
