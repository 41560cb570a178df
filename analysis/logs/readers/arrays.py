"""NumPy files: .npy with axes that are told, .npz with named arrays. Never a pickle."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.logs.readers.table import Column, CurveError, Table, listed, short, texts
from analysis.logs.readers.words import RUN, SEED, plain, quantity

MOST_VALUES = 50_000_000
PICKLED = (
    "Python objects inside (a pickle), which may run code and is not read; save numbers: np.save(path, np.array(...))"
)


def read_npy(data: bytes, name: str, where: str, axes: list[str]) -> list[Table]:
    """One array. Raises CurveError for one of two and more axes where `axes` does not name them."""
    array = _loaded(data, where)
    if isinstance(array, np.ndarray) and array.dtype.names:
        return [_records(array, name, where)]
    return [_unfolded({"value" if quantity(name).kind == "unknown" else name: array}, {}, name, where, axes)]


def read_npz(data: bytes, name: str, where: str, axes: list[str]) -> list[Table]:
    """Named arrays: lists of one length are columns; an array of more axes has them told by `axes`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.infolist()
            if not inside or not all(member.filename.endswith(".npy") for member in inside):
                raise CurveError(f"{where}: a zip file; of these .npz alone is read: unpack it first")
            if sum(member.file_size for member in inside) > 8 * MOST_VALUES:
                raise CurveError(f"{where}: more than {MOST_VALUES} values; save the errors and their axis alone")
            arrays = {m.filename.removesuffix(".npy"): _loaded(archive.read(m), where) for m in inside}
    except CurveError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise CurveError(f"{where}: cannot be read as .npz: {short(error)}") from None
    single = {key: array for key, array in arrays.items() if array.ndim == 0}
    lists = {key: array for key, array in arrays.items() if array.ndim == 1}
    many = {key: array for key, array in arrays.items() if array.ndim > 1}
    if many:
        shape = next(iter(many.values())).shape
        same = {key: array for key, array in many.items() if array.shape == shape}
        if len(same) < len(many):
            raise CurveError(
                f"{where}: arrays of several shapes: {_shapes(many)}; one shape of more than one axis is allowed"
            )
        return [_unfolded(same, lists, name, where, axes)]
    tables = []
    for length in dict.fromkeys(len(array) for array in lists.values()):
        same = {key: _column(array, key, where) for key, array in lists.items() if len(array) == length}
        same |= {key: np.repeat(_column(array.reshape(1), key, where), length) for key, array in single.items()}
        other = {key: len(array) for key, array in lists.items() if key not in same}
        tables.append(Table(same, name, where, lengths=other))
    if not tables:
        raise CurveError(f"{where}: no array of more than one value among {listed(arrays)}")
    return tables


def _loaded(data: bytes, where: str) -> NDArray[Any]:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # NumPy lets through whatever the parsers of a spoilt header raise
        reason = PICKLED if "pickle" in str(error).lower() else f"cannot be read as .npy: {short(error)}"
        raise CurveError(f"{where}: {reason}") from None
    if array.size > MOST_VALUES:
        raise CurveError(f"{where}: {array.size} values; at most {MOST_VALUES} are allowed")
    return array


def _column(array: NDArray[Any], key: str, where: str) -> Column:
    if array.dtype.kind in "fiub":
        return array.astype(np.float64)
    if array.dtype.kind in "US":
        return texts(v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in array.tolist())
    raise CurveError(f"{where}: {short(key)}: values of type {array.dtype}; numbers and text are allowed")


def _records(array: NDArray[Any], name: str, where: str) -> Table:
    flat = array.reshape(-1)
    return Table({key: _column(flat[key], key, where) for key in flat.dtype.names or ()}, name, where)


def _shapes(arrays: dict[str, NDArray[Any]]) -> str:
    return ", ".join(f"{short(key)} {array.shape}" for key, array in list(arrays.items())[:6])


def _unfolded(
    values: dict[str, NDArray[Any]], places: dict[str, NDArray[Any]], name: str, where: str, axes: list[str]
) -> Table:
    """Arrays of one shape as rows: a column for each axis, with the places of the list that bears its name."""
    first = next(iter(values.values()))
    if not axes and first.ndim == 1:
        axes = ["epoch"]
    if len(axes) != first.ndim:
        names = ("seed,epoch", "epoch,seed", "run,seed,epoch", "width,epoch", "run,epoch")
        fit = [text for text in names if text.count(",") + 1 == first.ndim]
        raise CurveError(
            f"{where}: {_shapes(values)}: {first.ndim} axes; say what each is, such as --axes "
            f"{' or --axes '.join(fit) or 'run,seed,epoch'}"
        )
    if first.size == 0:
        raise CurveError(f"{where}: {_shapes(values)}: no values")
    columns: dict[str, Column] = {}
    said = []
    for axis, (title, length) in enumerate(zip(axes, first.shape, strict=True)):
        listed_as = next((k for k in places if plain(k).removesuffix("s") == plain(title).removesuffix("s")), None)
        if listed_as is not None and len(places[listed_as]) == length:
            place = _column(places[listed_as], listed_as, where)
        elif listed_as is not None:
            raise CurveError(f"{where}: {listed_as}: {len(places[listed_as])} values where the axis has {length}")
        elif plain(title) in (*RUN, *SEED):
            place = texts(range(1, length + 1))
        elif plain(title) in ("epoch", "step"):
            place, _ = np.arange(1.0, length + 1), said.append(f"no {title} given: counted from 1")
        else:
            raise CurveError(f"{where}: axis {title}: no array of that name says where its {length} values are")
        shape = [1] * first.ndim
        shape[axis] = length
        columns[title] = np.broadcast_to(place.reshape(shape), first.shape).reshape(-1)
    columns |= {key: _column(array.reshape(-1), key, where) for key, array in values.items()}
    return Table(columns, name, where, said=[f"{_shapes(values)} as {' x '.join(axes)}", *said])
