from __future__ import annotations

import numpy as np
import pytest

from imtools.errors import UsageError
from imtools.labels import classes_of, label_matrix
from imtools.manifest import Label, Record


def record(*labels: Label, complete: bool = False) -> Record:
    return Record("a", "a.wav", 0.0, 1.0, 8000, 8000, labels=list(labels), labels_complete=complete)


RECORDS = [
    record(Label("vio")),
    record(Label("cel", 0.5), Label("vio", 0.49)),
    record(Label("flu", 1.0), complete=True),
    record(),
]


def test_classes_are_all_listed_ones_sorted():
    assert classes_of(RECORDS) == ["cel", "flu", "vio"]
    assert classes_of([record(Label("pia", 0.0))]) == ["pia"]


def test_presence_of_a_half_is_present_and_what_is_not_listed_is_unknown():
    present, known = label_matrix(RECORDS, ["vio", "cel"])
    assert present.dtype == known.dtype == np.bool_
    assert present.tolist() == [[True, False], [False, True], [False, False], [False, False]]
    assert known.tolist() == [[True, False], [True, True], [True, True], [False, False]]


def test_unlisted_labels_can_be_taken_as_absent():
    present, known = label_matrix(RECORDS, ["vio", "cel"], "absent")
    assert known.all()
    assert present.sum() == 2


def test_a_class_listed_twice_is_present_if_either_says_so():
    both = [record(Label("vio", 1.0), Label("vio", 0.0)), record(Label("vio", 0.0), Label("vio", 1.0))]
    assert label_matrix(both, ["vio"])[0].all()


def test_no_records_give_an_empty_matrix_of_the_right_width():
    assert label_matrix([], ["vio", "cel"])[0].shape == (0, 2)


def test_bad_arguments_are_refused():
    with pytest.raises(UsageError, match="more than once: vio"):
        label_matrix(RECORDS, ["vio", "cel", "vio"])
    with pytest.raises(UsageError, match="maybe"):
        label_matrix(RECORDS, ["vio"], "maybe")  # type: ignore[arg-type]
