"""A data set that its authors published as files: what its rows in the table of data sets share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeps.seeds import Role
from tasks.dataset import Dataset, MappedSamples
from tasks.files.archives import MissingData
from tasks.files.download import Download, data_folder, fetch
from tasks.files.draft import Draft, prepare
from tasks.files.prepared import Prepared, check_digests, folder_of, is_prepared, opened

Make = Callable[[Draft, Mapping[str, Path]], None]
"""Writes both splits of a draft from the files, by their published names. Raises BadArchive."""


@dataclass(frozen=True)
class Published:
    """Files, and how they become prepared arrays.

    `sized`: pictures have sizes of their own, so there is an array for each side that networks read.
    """

    name: str
    classes: tuple[str, ...]
    downloads: tuple[Download, ...]
    make: Make
    sized: bool = False

    def dataset(
        self,
        *,
        pool: tuple[int, ...],
        held_out: Callable[[tuple[int, ...]], int],
        citation: str,
        licence: str,
        mean: float | None = None,
        std: float | None = None,
        superclasses: tuple[str, ...] | None = None,
    ) -> Dataset:
        """The row of the table of data sets: all classes by default, read and checked as prepared arrays are."""
        return Dataset(
            name=self.name,
            classes=self.classes,
            default=tuple(range(len(self.classes))),
            pool=pool,
            limit=sum(pool),
            mean=mean,
            std=std,
            train=self.train,
            test=self.test,
            held_out=held_out,
            present=self.present,
            intact=self.intact,
            prepare=self.prepare,
            superclasses=superclasses,
            citation=citation,
            licence=licence,
        )

    def side(self, side: int | None) -> int | None:
        """The side that belongs to the arrays' name."""
        return side if self.sized else None

    def present(self, side: int) -> None:
        """Raise MissingData, with the command that makes them, when there are no arrays for this side."""
        if not is_prepared(self.name, self.side(side)):
            option = f" --side {side}" if self.sized else ""
            raise MissingData(
                f"{self.name} has no prepared arrays on this machine; make them: frostline data {self.name}{option}"
            )

    def intact(self, side: int) -> None:
        """Raise BadArchive when the arrays are not those that were written. Reads them whole."""
        check_digests(folder_of(self.name, self.side(side)))

    def prepare(self, side: int | None, origin: Path | None, workers: int) -> Path:
        """Fetch what is missing, or take the files from `origin`, check them, and decode them once. Without `origin`
        nothing is fetched where the arrays are there.

        `origin` is a folder with the published files, or the file itself where there is one only. Raises MissingData or
        BadArchive, in one line; then nothing is left of what was decoded.
        """
        side = self.side(side)
        if origin is None and is_prepared(self.name, side):  # the archives may be deleted once there are arrays
            return folder_of(self.name, side)
        files = {download.file: self._file(download, origin) for download in self.downloads}
        source = {download.file: download.sha256 for download in self.downloads}
        return prepare(self.name, side, self.classes, source, lambda draft: self.make(draft, files), workers)

    def _file(self, download: Download, origin: Path | None) -> Path:
        if origin is None:
            return fetch(download, data_folder())
        path = origin / download.file if origin.is_dir() else origin
        if not path.is_file() or (not origin.is_dir() and len(self.downloads) > 1):
            wanted = ", ".join(each.file for each in self.downloads)
            raise MissingData(f"--from {origin}: allowed is a folder that holds {wanted}")
        download.check(path)
        return path

    def train(self, classes: tuple[int, ...], role: Role, size: int, seed: int, side: int) -> MappedSamples:
        """Training samples of a role: rows of the prepared array, and labels (size,)."""
        return self._prepared(side).train_samples(classes, role, size, seed)

    def test(self, classes: tuple[int, ...], side: int) -> MappedSamples:
        """All test samples of these classes: rows of the prepared array, and labels (N,)."""
        return self._prepared(side).test_samples(classes)

    def _prepared(self, side: int) -> Prepared:
        self.present(side)
        return opened(folder_of(self.name, self.side(side)))
