"""Food-101: 101,000 colour photographs of dishes, at most 512 pixels wide or high, in 101 classes.

Its training photographs were not cleaned by its authors: some have a wrong label. The archive is one .tar.gz:
`images/<class>/<number>.jpg`, and `meta/train.txt` and `meta/test.txt` with a line `<class>/<number>` for each sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.files.archives import BadArchive, read_members
from tasks.files.download import Download
from tasks.files.draft import Draft
from tasks.files.listing import Listing, decode_archive, lines_of
from tasks.files.prepared import SPLITS
from tasks.files.published import Published

_NAMES = """
apple_pie baby_back_ribs baklava beef_carpaccio beef_tartare beet_salad beignets bibimbap bread_pudding
breakfast_burrito bruschetta caesar_salad cannoli caprese_salad carrot_cake ceviche cheese_plate cheesecake
chicken_curry chicken_quesadilla chicken_wings chocolate_cake chocolate_mousse churros clam_chowder club_sandwich
crab_cakes creme_brulee croque_madame cup_cakes deviled_eggs donuts dumplings edamame eggs_benedict escargots falafel
filet_mignon fish_and_chips foie_gras french_fries french_onion_soup french_toast fried_calamari fried_rice
frozen_yogurt garlic_bread gnocchi greek_salad grilled_cheese_sandwich grilled_salmon guacamole gyoza hamburger
hot_and_sour_soup hot_dog huevos_rancheros hummus ice_cream lasagna lobster_bisque lobster_roll_sandwich
macaroni_and_cheese macarons miso_soup mussels nachos omelette onion_rings oysters pad_thai paella pancakes
panna_cotta peking_duck pho pizza pork_chop poutine prime_rib pulled_pork_sandwich ramen ravioli red_velvet_cake
risotto samosa sashimi scallops seaweed_salad shrimp_and_grits spaghetti_bolognese spaghetti_carbonara spring_rolls
steak strawberry_shortcake sushi tacos takoyaki tiramisu tuna_tartare waffles
"""
CLASSES = tuple(_NAMES.split())
POOL = (750,) * 101
ARCHIVE = Download(
    file="food-101.tar.gz",
    url="http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
    sha256="d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4",
    bytes=4_996_278_331,
)
MOST_TOTAL = 8 * 2**30


def make(draft: Draft, files: Mapping[str, Path]) -> None:
    """Decode both splits of a draft at its side. Raises BadArchive."""
    path = files[ARCHIVE.file]
    assert draft.side is not None
    decode_archive(draft, path, _listing(path), draft.side, MOST_TOTAL)


def _listing(path: Path) -> Listing:
    lists = {split: f"food-101/meta/{split}.txt" for split in SPLITS}
    content = read_members(path, lists.values(), 2**25, MOST_TOTAL)
    labels = {name: label for label, name in enumerate(CLASSES)}
    found: dict = {split: {} for split in SPLITS}
    for split, member in lists.items():
        for line in filter(None, lines_of(content[member], path, member)):
            name = line.partition("/")[0]
            if name not in labels:
                raise BadArchive(f"{path}: {member} names the unknown class {name!r}")
            found[split][f"food-101/images/{line}.jpg"] = labels[name]
    return found


FILES = Published("food101", CLASSES, (ARCHIVE,), make, sized=True)

DATASET = FILES.dataset(
    pool=POOL,
    held_out=lambda classes: 250 * len(classes),
    citation=(
        "Food-101: L. Bossard, M. Guillaumin and L. Van Gool (2014), Food-101 - Mining Discriminative Components with "
        "Random Forests, European Conference on Computer Vision, 446-461."
    ),
    licence="the photographs are not its authors' property; scientific fair use",
)
