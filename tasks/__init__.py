"""Tasks: from a name such as `glyphs[A-Z]` to the tensors a network trains on.

canonical_name               the one name of a task: equal data, equal name
classes_of, held_out         how many classes and test samples a task has
outputs_of                   how many outputs a network for a task has
is_regression                whether its targets are real values
has_pairs                    whether its samples are shifted forms of source samples that it knows
vector_length                the length of its inputs, where they are vectors
citation                     what to cite for a task's data, and their licence
relatedness                  class overlap and superclass overlap of a source and a target
parameter_names              all parameters that tasks have
check                        refuses a run whose data do not exist, before anything is launched
contents_of, content_digest  the users' own images that runs read, and the digest in the name of such a task
is_known, learn              whether such a digest is known here; what a store says of it
check_files                  reads the files of runs' data once, whole, where they are not known by their state
file_digest                  the SHA-256 of a file, remembered until the file changes
missing_data                 what runs read that is not on this machine, and what to do
source_data, target_data     a run's TaskData: images and labels on the device
batch_sizes                  the samples of each step of an epoch
Batches                      the order of an epoch's samples
augment                      crop and flip

Names and checks are light; the rest imports torch, and only when it is first asked for, so that planning a sweep of
thousands of runs does not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy
from tasks.checks import check, check_files, content_digest, contents_of, is_known, learn, missing_data
from tasks.files.content import file_digest
from tasks.names import (
    canonical_name,
    citation,
    classes_of,
    has_pairs,
    held_out,
    is_regression,
    outputs_of,
    vector_length,
)
from tasks.registry import parameter_names
from tasks.relation import relatedness
from tasks.steps import batch_sizes

if TYPE_CHECKING:
    from tasks.augmentation import augment
    from tasks.batches import Batches
    from tasks.data import TaskData, source_data, target_data

__all__ = [
    "Batches",
    "TaskData",
    "augment",
    "batch_sizes",
    "canonical_name",
    "check",
    "check_files",
    "citation",
    "classes_of",
    "content_digest",
    "contents_of",
    "file_digest",
    "has_pairs",
    "held_out",
    "is_known",
    "is_regression",
    "learn",
    "missing_data",
    "outputs_of",
    "parameter_names",
    "relatedness",
    "source_data",
    "target_data",
    "vector_length",
]

_NEEDS_TORCH = {
    "Batches": "batches",
    "TaskData": "data",
    "augment": "augmentation",
    "source_data": "data",
    "target_data": "data",
}

__getattr__ = lazy(__name__, _NEEDS_TORCH)
