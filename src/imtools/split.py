"""Folds and held-out sets: stratified by class, and never with one recording on two sides.

Records are processed in the order of their ids, so the order of the input does not matter.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from .arrays import Float64Array, IntArray
from .errors import ImtoolsWarning, UsageError
from .grouping import groups_of, united
from .manifest import Record

_NO_LABEL = "no label"


def split(
    records: Sequence[Record],
    *,
    folds: int | None = None,
    holdout: float | None = None,
    seed: int,
    group_key: str | None = None,
) -> list[Record]:
    """Return the records with ``split`` and ``fold`` set, in the order given.

    Parameters
    ----------
    records : sequence of Record
        The items.
    folds : int, optional
        Number of folds; with `holdout` too, they are made of the records that are not held out.
    holdout : float, optional
        The fraction to hold out as split ``"test"``; the others become ``"train"``.
    seed : int
        Decides among equally good assignments.
    group_key : str, optional
        As for `assign_folds`.

    Returns
    -------
    list of Record
        Copies; no group is in two folds or splits.

    Raises
    ------
    UsageError
        If there are no records, or too few groups.

    Examples
    --------
    >>> records = [Record(name, f"{name}.wav", 0.0, 1.0, 22050, 22050, groups=[name]) for name in "abcd"]
    >>> sorted(record.fold for record in split(records, folds=2, seed=0))
    [0, 0, 1, 1]
    """
    if not records:
        raise UsageError("no records to split", "give a manifest with records")
    result = list(records)
    if holdout is not None:
        held = assign_holdout(result, holdout, seed=seed, group_key=group_key)
        result = [
            record.replace(split="test" if out else "train", fold=None)
            for record, out in zip(result, held, strict=True)
        ]
    if folds is not None:
        rest = [i for i, record in enumerate(result) if holdout is None or record.split == "train"]
        numbers = assign_folds([result[i] for i in rest], folds, seed=seed, group_key=group_key)
        for i, number in zip(rest, numbers, strict=True):
            result[i] = result[i].replace(fold=number)
    return result


def assign_folds(
    records: Sequence[Record], n_folds: int, *, seed: int, group_key: str | None = None
) -> list[int]:
    """Assign records to cross-validation folds: stratified group k-fold.

    A stratum is a set of labels that are present together. Strata with fewer records than folds are
    pooled, since they could not be spread evenly anyway.

    Parameters
    ----------
    records : sequence of Record
        The items; their own `fold` is ignored.
    n_folds : int
        Number of folds, at least 2.
    seed : int
        Decides among equally good assignments.
    group_key : str, optional
        A dotted key, such as ``"source.dataset"``: records with an equal value stay together as well,
        so that each fold leaves whole sources out.

    Returns
    -------
    list of int
        The fold of each record, 0 to ``n_folds - 1``.

    Raises
    ------
    UsageError
        If there are fewer groups than folds, or a record has no value at `group_key`.

    Warns
    -----
    ImtoolsWarning
        If a class has fewer groups than folds: some folds will lack it.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : does the assignment.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if n_folds < 2:
        raise UsageError(f"{n_folds} folds cannot be made", "give at least 2")
    order, groups = _grouped(records, group_key, n_folds, "folds")
    strata = ["+".join(records[i].present_labels()) or _NO_LABEL for i in order]
    sizes = Counter(strata)
    codes = {name: code for code, name in enumerate(sorted(n for n in sizes if sizes[n] >= n_folds), 1)}
    y = np.array([codes.get(name, 0) for name in strata])
    folds = np.zeros(len(order), dtype=np.int64)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the pool is small; small classes were named above
        for fold, (_, members) in enumerate(splitter.split(y, y, groups)):
            folds[members] = fold
    return [int(fold) for fold in _in_input_order(folds, order)]


def assign_holdout(
    records: Sequence[Record], fraction: float, *, seed: int, group_key: str | None = None
) -> list[bool]:
    """Choose records to hold out, about the same fraction of every class.

    Greedy: the groups are taken in random order, those that weigh most on single classes first, and each
    goes to the side that leaves the classes of both sides most evenly filled. Groups are not divided, so
    the fraction is met as well as their sizes allow; neither side stays empty.

    Parameters
    ----------
    records : sequence of Record
        The items.
    fraction : float
        The fraction of each class to hold out, between 0 and 1.
    seed : int
        Decides among equally good assignments.
    group_key : str, optional
        As for `assign_folds`.

    Returns
    -------
    list of bool
        Whether each record is held out.

    Raises
    ------
    UsageError
        If the fraction is not between 0 and 1, there are fewer than two groups, or a record has no value
        at `group_key`.

    Warns
    -----
    ImtoolsWarning
        If a class has a single group: it will be on one side only.
    """
    if not 0 < fraction < 1:
        raise UsageError(f"a fraction of {fraction:g} cannot be held out", "choose one between 0 and 1")
    order, groups = _grouped(records, group_key, 2, "sides")
    counts = _class_counts([records[i] for i in order], groups)
    rng = np.random.RandomState(seed % 2**32)  # its stream is frozen, unlike default_rng's
    ranking = rng.permutation(len(counts))
    ranking = ranking[np.argsort(-counts[ranking].std(axis=1), kind="stable")]

    sides = np.zeros(len(counts), dtype=np.int64)
    share = np.array([1 - fraction, fraction])
    filled = np.zeros((2, counts.shape[1]))  # how much of its share each side has, by class
    for group in ranking:
        gain = counts[group] / share[:, None]
        costs = [abs(np.subtract(*(filled + np.outer(side, gain[i])))) for i, side in enumerate(np.eye(2))]
        # rounded, so that equal costs are equal; then the emptier side takes the group
        side = min((0, 1), key=lambda i: (round(float(costs[i].mean()), 9), filled[i].sum()))
        sides[group] = side
        filled[side] += gain[side]
    for side in (0, 1):
        if side not in sides:  # the fraction is finer than the groups: the lightest goes to this side
            sides[min(ranking, key=lambda group: counts[group].sum())] = side
    return [bool(side) for side in _in_input_order(sides[groups], order)]


def _grouped(
    records: Sequence[Record], group_key: str | None, needed: int, what: str
) -> tuple[list[int], IntArray]:
    """Return the indices of the records in the order of their ids, and the group number of each."""
    order = sorted(range(len(records)), key=lambda i: records[i].id)
    groups = united([_ties(records[i], group_key) for i in order])
    found = len(set(groups))
    if found < needed:
        raise UsageError(
            f"{len(records)} records of {found} recordings or sources cannot fill {needed} {what}",
            "the records of one group stay together: use more recordings or fewer folds",
        )
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for i, group in zip(order, groups, strict=True):
        for name in records[i].present_labels():
            holders[name].add(group)
    if thin := [f"{name} ({len(held)})" for name, held in sorted(holders.items()) if len(held) < needed]:
        message = f"classes with fewer recordings than {what} ({needed}): {', '.join(thin)}"
        warnings.warn(ImtoolsWarning(message), stacklevel=3)
    return order, np.array(groups, dtype=np.int64)


def _ties(record: Record, group_key: str | None) -> list[Hashable]:
    """Return everything that ties a record to others: its groups, and its value at the key."""
    ties: list[Hashable] = [*sorted(groups_of(record))]
    if group_key is not None:
        value = record.get(group_key)
        if value in (None, [], {}):
            raise UsageError(f"record {record.id} has no value at {group_key!r}", "choose another group key")
        values = value if isinstance(value, list) else [value]
        ties += [(group_key, json.dumps(one, sort_keys=True)) for one in values]
    return ties


def _class_counts(records: Sequence[Record], groups: IntArray) -> Float64Array:
    """Return the fraction of each class's records that each group holds, shape (groups, classes).

    Records without a label make up a class of their own.
    """
    labels = [record.present_labels() or [_NO_LABEL] for record in records]
    columns = {name: i for i, name in enumerate(sorted({name for names in labels for name in names}))}
    counts: Float64Array = np.zeros((int(groups.max()) + 1, len(columns)))
    for names, group in zip(labels, groups, strict=True):
        for name in names:
            counts[group, columns[name]] += 1
    counts /= counts.sum(axis=0)
    return counts


def _in_input_order(values: IntArray, order: Sequence[int]) -> IntArray:
    result = np.empty_like(values)
    result[list(order)] = values
    return result
