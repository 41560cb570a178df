"""Your own images: a folder with a folder of images for each class, or a table of paths and labels.

In a sweep a task names a path, `{name: images, path: photos}`; its identity is the digest of what is there,
`images(content=sha256-...)`, so that copies are the same task and one changed pixel makes another. Decoded arrays are
kept under the digest, one for each image size, and are all that workers read.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import Field

from sweeps.seeds import Role
from sweeps.spec import Spec
from tasks.dataset import Dataset, MappedSamples, ParameterisedDataset
from tasks.files import known
from tasks.files.archives import BadArchive, MissingData
from tasks.files.draft import Draft, prepare
from tasks.files.filling import Picture
from tasks.files.folders import read_content
from tasks.files.prepared import SPLITS, Prepared, check_digests, folder_of, opened

PREFIX = "sha256-"
EITHER = "images: give either path (of a folder of class folders, or of a .csv) or content (a digest)"


class Images(Spec):
    """Where the images are, or what they are. `path` is relative to the folder that a command is called in."""

    path: Annotated[str, Field(min_length=1)] | None = None
    content: Annotated[str, Field(pattern=rf"^{PREFIX}[0-9a-f]{{40}}$")] | None = None


def settled(values: Images) -> Images:
    """The digest in place of the path. A path at which there is nothing any more stands for what was last seen there.

    Raises ValueError, in one line, where there is neither, and where a file of what is there cannot be read.
    """
    if values.path is None or values.content is not None:
        raise ValueError(EITHER)
    try:
        path = Path(unquote(values.path)).expanduser()
    except RuntimeError:
        raise ValueError(f"images: path {unquote(values.path)}: there is no such user") from None
    try:
        found = known.remember(path, read_content(path))
    except MissingData as problem:
        if path.exists():  # changed, or not to be read: what was there before is other data
            raise ValueError(f"images: path {path}: {problem}") from None
        found = known.last_at(path)
        if found is None:
            raise ValueError(f"images: path {problem}; give the path that the images have now") from None
    return Images(content=PREFIX + found.digest)


def with_values(values: Images) -> Dataset:
    """The data set of a content. Raises ValueError, in one line, where this machine has never seen it."""
    if values.content is None:
        raise ValueError(EITHER)
    digest = values.content.removeprefix(PREFIX)
    record = known.find(digest)
    if record is None:
        raise ValueError(
            f"images(content={values.content}) is not known on this machine; "
            "say once where it is: frostline data images --from PATH"
        )
    arrays = Arrays(digest)
    train, test = (record.counts[split] for split in SPLITS)
    return Dataset(
        name=f"images-{digest}",  # another content is another data set; tasks.check looks for files in both
        classes=record.classes,
        default=tuple(range(len(record.classes))),
        pool=train,
        limit=sum(train),
        train=arrays.train,
        test=arrays.test,
        held_out=lambda classes: sum(test[index] for index in classes),
        present=arrays.present,
        intact=arrays.intact,
        citation=f"Images: a collection of the user's own, content {values.content}.",
        licence="the user's own to state",
    )


class Arrays:
    """The prepared arrays of a content. What is known of its places may change, so that is looked up each time."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def _folder(self, side: int) -> Path | None:
        """Here, or where the machine had them that launched the sweep."""
        here = folder_of(f"images-{self.digest}", side)
        record = known.find(self.digest)
        places = (here, *((Path(record.arrays) / here.name,) if record is not None else ()))
        return next((place for place in places if (place / "about.json").is_file()), None)

    def present(self, side: int) -> None:
        """Raise MissingData, in one line, where there are no arrays for this side."""
        self._present(side)

    def _present(self, side: int) -> Path:
        folder = self._folder(side)
        if folder is None:
            record = known.find(self.digest)
            paths = () if record is None else record.paths
            found = next((path for path in paths if Path(path).exists()), None)
            if found is not None:
                where = shlex.quote(str(found))
            else:
                where = f"PATH (they were at {paths[0]}, where they are no longer)" if paths else "PATH"
            raise MissingData(
                f"images(content={PREFIX}{self.digest}) has no prepared arrays on this machine; make them: "
                f"frostline data images --side {side} --from {where}"
            )
        return folder

    def intact(self, side: int) -> None:
        """Raise BadArchive, in one line, when the arrays are not those that were written. Reads them whole."""
        check_digests(self._present(side))

    def _opened(self, side: int) -> Prepared:
        folder = self._present(side)
        found = opened(folder)
        if found.about.source != {"content": self.digest} or found.about.side != side:
            raise BadArchive(f"{folder}: made of other images than content {self.digest}; delete that folder")
        return found

    def train(self, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> MappedSamples:
        """Training samples of a role: rows of the prepared array, and labels (size,)."""
        return self._opened(side).train_samples(classes, role, size, seed)

    def test(self, classes: tuple[int, ...], side: int) -> MappedSamples:
        """All test samples of these classes: rows of the prepared array, and labels (N,)."""
        return self._opened(side).test_samples(classes)


def prepare_images(side: int | None, origin: Path | None, workers: int) -> Path:
    """Decode the images at a path, each brought to `side`, in grey where all are. Raises MissingData, BadArchive or
    ValueError, in one line; then nothing is left."""
    if origin is None or side is None:
        raise MissingData("images: say where they are: frostline data images --from FOLDER")
    content = read_content(origin)
    record = known.remember(origin, content)

    def make(draft: Draft) -> None:
        for split in SPLITS:
            pictures = (Picture(row, file, str(file)) for row, file in enumerate(content.files[split]))
            draft.decode(split, content.labels[split], pictures, side, record.channels)
        if read_content(origin).digest != content.digest:
            raise BadArchive(f"{origin}: its files changed while they were read")

    return prepare(f"images-{content.digest}", side, content.classes, {"content": content.digest}, make, workers)


DATASET = ParameterisedDataset("images", Images, with_values, frozenset({"path"}), settled, prepare_images)
