"""Which records train and which validate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import IntArray
from ...errors import UsageError
from ...grouping import groups_of
from ...manifest import Record
from ...split import assign_folds, assign_holdout


@dataclass(frozen=True)
class Fold:
    """One division of the records into training and validation.

    Attributes
    ----------
    number : int or None
        The fold that is validated on; ``None`` where the division does not come from folds.
    train, validation : ndarray of int64
        Indices of the records, ascending.
    """

    number: int | None
    train: IntArray
    validation: IntArray

    @property
    def name(self) -> str:
        """Name of what is trained on this division: ``"fold0"``, or ``"model"``."""
        return "model" if self.number is None else f"fold{self.number}"


def plan_folds(
    records: Sequence[Record], numbers: Sequence[int] | None, *, division: float = 0.1, seed: int
) -> list[Fold]:
    """Divide records by their folds; without folds, by their splits; without splits, by chance.

    Records of the split ``"test"`` are in neither part.

    Parameters
    ----------
    records : sequence of Record
        The labelled records.
    numbers : sequence of int, optional
        The folds to validate on, one after the other; by default every fold that the records have.
    division : float
        The division by chance, by recordings: into this many folds or, below 1, by holding out about this
        part of each class.
    seed : int
        Seed of the division by chance.

    Returns
    -------
    list of Fold
        One for each fold, in ascending order, or a single one.

    Raises
    ------
    UsageError
        If a fold in ``numbers`` has no records, some records have a fold and others none, a part
        is empty, or a recording is in both parts.
    """
    usable = [i for i, record in enumerate(records) if record.split != "test"]
    if not usable:
        raise nothing_to_train_on()
    numbered = {i: fold for i in usable if (fold := records[i].fold) is not None}
    if numbered and len(numbered) < len(usable):
        first = next(records[i].id for i in usable if i not in numbered)
        raise UsageError(f"record {first} has no fold and others have", "run im-split over all of them")
    validating = {i for i in usable if records[i].split == "validation"}
    if division >= 2 and not numbered and not validating:
        try:
            assigned = assign_folds([records[i] for i in usable], round(division), seed=seed)
        except UsageError as error:
            hint = "choose a smaller `division`, or make the folds with im-split"
            raise UsageError(error.message, hint) from None
        numbered = dict(zip(usable, assigned, strict=True))
    present = sorted(set(numbered.values()))
    if numbers is not None:
        if missing := sorted(set(numbers) - set(present)):
            there = f"folds {', '.join(map(str, present))}" if present else "no folds"
            raise UsageError(
                f"no record is in fold {missing[0]} (there are {there})", "see im-split with `folds`"
            )
        present = sorted(set(numbers))
    sides: list[tuple[int | None, set[int]]]
    if present:
        sides = [(number, {i for i in usable if numbered[i] == number}) for number in present]
    elif validating:
        sides = [(None, validating)]
    else:
        held = assign_holdout([records[i] for i in usable], division, seed=seed)
        sides = [(None, {i for i, out in zip(usable, held, strict=True) if out})]
    return [_divide(records, usable, number, held_out) for number, held_out in sides]


def nothing_to_train_on() -> UsageError:
    """Return the error that no record is left to train and validate on."""
    return UsageError("0 records to train on and to validate on", "look at their splits, and at `where`")


def _divide(records: Sequence[Record], usable: list[int], number: int | None, held_out: set[int]) -> Fold:
    train = [i for i in usable if i not in held_out]
    fold = Fold(number, np.array(train, dtype=np.int64), np.array(sorted(held_out), dtype=np.int64))
    if len(train) < 2 or not held_out:
        what = f"{fold.name}: {len(train)} records to train on and {len(held_out)} to validate on"
        raise UsageError(what, "give more records, or other folds (see im-split)")
    learnt = set().union(*(groups_of(records[i]) for i in train))
    if shared := learnt & set().union(*(groups_of(records[i]) for i in held_out)):
        raise UsageError(
            f"{fold.name}: recording {min(shared)} is both trained and validated on",
            "make the folds with im-split, before mixing",
        )
    return fold
