"""What a task's name means, and what is said to a name that means nothing."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import canonical_name, classes_of
from tasks.dataset import Dataset
from tasks.names import parse
from tasks.registry import DATASETS, row


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("digits", "0123456789"),
        ("digits[0-4]", "01234"),
        ("digits[7,0,2]", "027"),
        ("digits[0-2, 5-6,9]", "01256" + "9"),
        ("glyphs", string.ascii_uppercase),
        ("glyphs[A-Z]", string.ascii_uppercase),
        ("glyphs[a-z]", string.ascii_lowercase),
        ("glyphs[0-9]", string.digits),
        ("glyphs[A-Za-f]", string.ascii_uppercase + "abcdef"),
        ("glyphs[zA3]", "3Az"),
        ("glyphs[A,B,C]", "ABC"),
    ],
)
def test_a_name_means_its_classes(name: str, classes: str) -> None:
    assert "".join(parse(name).class_names) == classes
    assert classes_of(name) == len(classes)


def test_cifar10_classes_go_by_index_and_by_name() -> None:
    assert parse("cifar10[3,5]").class_names == parse("cifar10[dog,cat]").class_names == ("cat", "dog")
    assert classes_of("cifar10[0-4,truck]") == 6


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digit", "did you mean 'digits'"),
        ("Glyphs[A-Z]", "did you mean 'glyphs'"),
        ("words", "allowed: cifar10, cifar100, digits"),
        ("", "no known task"),
        ("digits[", "not a task name"),
        ("digits[0-4]x", "not a task name"),
        ("digits[0-4][5-9]", "not a task name"),
        ("digits[]", "no class ''; allowed: 0, 0-4, 1"),
        ("digits[0-10]", "not within the classes 0-9"),
        ("digits[4-0]", "not within the classes 0-9"),
        ("digits[0-99999999999999999999]", "not within the classes 0-9"),
        ("digits[0,0-2]", "names 0 more than once"),
        ("digits[3]", "at least 2"),
        ("digits[0,\n1]", "no class"),
        ("digits[0,x]", "no class 'x'; allowed: 0, 0-4, 1"),
        ("digits[٣,1]", "no class '٣'"),
        ("glyphs[]", "at least 2"),
        ("glyphs[A-z]", "within 0-9, A-Z and a-z"),
        ("glyphs[Z-A]", "within 0-9, A-Z and a-z"),
        ("glyphs[A-]", "within 0-9, A-Z and a-z"),
        ("glyphs[äö]", "within 0-9, A-Z and a-z"),
        ("glyphs[A-CB]", "names B more than once"),
        ("cifar10[cats,dog]", "did you mean 'cat'"),
    ],
)
def test_a_name_without_meaning_is_told_so_in_one_line(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refusal:
        parse(name)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("digits", "digits"),
        ("digits[0-9]", "digits"),
        ("digits[9,8,0-7]", "digits"),
        ("digits[4,3,2,1,0]", "digits[0-4]"),
        ("digits[ 0-4]", "digits[0-4]"),
        ("digits[0-2, 3,4]", "digits[0-4]"),
        ("digits[7,0,2]", "digits[0,2,7]"),
        ("digits[8,1,0,9,5]", "digits[0-1,5,8-9]"),
        ("digits[00-04]", "digits[0-4]"),
        ("glyphs", "glyphs[A-Z]"),
        ("glyphs[A-MN-Z]", "glyphs[A-Z]"),
        ("glyphs[Z,A-Y]", "glyphs[A-Z]"),
        ("glyphs[a-zA-Z]", "glyphs[A-Za-z]"),
        ("glyphs[A-Z0-9a-z]", "glyphs[0-9A-Za-z]"),
        ("glyphs[98A]", "glyphs[8-9A]"),
        ("glyphs[zA3B]", "glyphs[3A-Bz]"),
        ("cifar10", "cifar10"),
        ("cifar10[0-9]", "cifar10"),
        ("cifar10[cat,dog]", "cifar10[3,5]"),
        ("cifar10[truck,ship,0-4]", "cifar10[0-4,8-9]"),
    ],
)
def test_equal_data_have_one_name(written: str, canonical: str) -> None:
    assert canonical_name(written) == canonical
    assert parse(canonical).classes == parse(written).classes


@given(st.data())
def test_a_canonical_name_means_its_classes_and_no_other_spelling_is_canonical(data: st.DataObject) -> None:
    rows = [found for found in map(row, sorted(DATASETS)) if isinstance(found, Dataset)]
    dataset = data.draw(st.sampled_from(rows))
    order = data.draw(st.lists(st.sampled_from(range(len(dataset.classes))), min_size=2, unique=True))
    listed = ",".join(dataset.classes[index] for index in order)
    task = parse(f"{dataset.name}[{listed}]")
    assert task.classes == tuple(sorted(order))
    assert parse(task.name) == task and canonical_name(task.name) == task.name


@given(st.text(max_size=200) | st.builds("{}[{}]".format, st.sampled_from(list(DATASETS)), st.text("09AZaz-, ")))
def test_any_text_is_a_task_or_a_value_error(name: str) -> None:
    try:
        task = parse(name)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        if task.dataset.targets is None:
            assert 2 <= len(task.classes) == len(set(task.classes)) <= len(task.dataset.classes)
        assert list(task.classes) == sorted(task.classes)
