"""TensorBoard's event files: a row per step, a column per tag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.logs.readers.databases import Points, metric_tables
from analysis.logs.readers.table import CurveError, Table


def read_events(files: Sequence[Path], name: str, where: str, prefix: str = "") -> list[Table]:
    """All scalars of one run's event files; of a step logged twice, the last. prefix: before each tag.

    Raises CurveError where there is no scalar. Lightning's tag `epoch` gives each step its epoch.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # slow to import

    points: Points = {name: {}}
    for file in files:
        events = EventAccumulator(str(file), size_guidance={"scalars": 0, "tensors": 0})
        try:
            events.Reload()
        except (OSError, ValueError) as error:
            raise CurveError(f"{where}: cannot be read as TensorBoard events: {error}") from None
        for tag in events.Tags()["scalars"]:
            for event in events.Scalars(tag):
                points[name].setdefault(float(event.step), {})[prefix + tag] = float(event.value)
        for tag in events.Tags()["tensors"]:
            for event in events.Tensors(tag):
                value = _scalar(event.tensor_proto)
                if value is not None:
                    points[name].setdefault(float(event.step), {})[prefix + tag] = value
    if not points[name]:
        raise CurveError(f"{where}: event files without a scalar; log the test error with add_scalar")
    return metric_tables(points, {}, {}, "TensorBoard events", where)


def _scalar(proto: Any) -> float | None:
    """The number in a tensor of one value, as TensorFlow's writer and Keras log scalars; None for other tensors."""
    from tensorboard.util.tensor_util import make_ndarray

    try:
        array = np.asarray(make_ndarray(proto))
    except (TypeError, ValueError):
        return None
    return float(array.reshape(-1)[0]) if array.size == 1 and array.dtype.kind in "fiu" else None
