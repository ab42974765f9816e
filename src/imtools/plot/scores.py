"""Reading score files, which im-score writes: one reader for all pictures of scores."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import ManifestError
from ..manifest.stream import STDIN
from ..manifest.values import (
    Json,
    WrongKeyError,
    array,
    integer,
    load_json,
    mapping,
    number,
    string,
)
from ..score.result import SCORES_SCHEMA, Difference

_HINT = "make it with im-score --format jsonl"


@dataclass(frozen=True, slots=True)
class Counts:
    """A confusion matrix of class against rest."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What a score file says of a class.

    Attributes
    ----------
    label : str
        The class.
    counts : Counts
        Over all items.
    baseline : dict of str to Difference
        Differences to the baseline, by figure; empty without one.
    """

    label: str
    counts: Counts
    baseline: dict[str, Difference]


@dataclass(frozen=True, slots=True)
class ClassLevel:
    """A class at a level of polyphony; NaN where a ratio is not defined."""

    tpr: float
    accuracy: float
    counts: Counts


@dataclass(frozen=True, slots=True)
class LevelRow:
    """The items of one level of polyphony.

    Attributes
    ----------
    polyphony, num_items : int
        Classes that are present; items.
    iou, emr : float
        Chen et al. (2024), equations 3 and 4.
    classes : dict of str to ClassLevel
        By class.
    """

    polyphony: int
    num_items: int
    iou: float
    emr: float
    classes: dict[str, ClassLevel]


@dataclass(slots=True)
class ModelScores:
    """The scores of one model.

    Attributes
    ----------
    place : str
        The file.
    model : str
        Its name.
    levels : list of LevelRow
        Ascending.
    confusion : tuple of (list of str, list of list of float) or None
        Classes and counts of items with one class.
    baseline : str or None
        The model that it was compared with.
    classes : list of ClassRow
        In the order of the file.
    """

    place: str
    model: str
    levels: list[LevelRow]
    confusion: tuple[list[str], list[list[float]]] | None
    baseline: str | None
    classes: list[ClassRow] = field(default_factory=list)


def read_scores(path: str) -> list[ModelScores]:
    """Return the scores in a file; it may hold those of several models, one after another.

    Parameters
    ----------
    path : str
        JSON lines, or ``-`` for standard input.

    Raises
    ------
    ManifestError
        If the file cannot be read, is no score file or holds no scores, or a line is wrong: named as
        ``file:line``.
    """
    shown = _shown(path)
    return scores_of(read_rows(path), shown)


def scores_of(rows: Iterable[tuple[str, Json]], shown: str) -> list[ModelScores]:
    """Return the scores in JSON objects, each with its place; see `read_scores`."""
    found: list[ModelScores] = []
    for where, value in rows:
        try:
            data = mapping(value, "schema")
            if data.get("schema") != SCORES_SCHEMA:
                raise ManifestError(f"{where}: is no score of schema {SCORES_SCHEMA!r}", _HINT)
            model = string(data.get("model"), "model")
            if data.get("label") is None:
                found.append(_whole(shown, model, data))
            elif not found or found[-1].model != model:
                raise ManifestError(f"{where}: is a class of {model!r} without the line before it", _HINT)
            else:
                found[-1].classes.append(_class(data))
        except WrongKeyError as error:
            raise ManifestError(f"{where}: {error}", _HINT) from None
    if not found:
        raise ManifestError(f"{shown}: holds no scores", _HINT)
    return found


def read_rows(path: str) -> Iterator[tuple[str, Json]]:
    """Yield the JSON objects in a score file, each with its place.

    Raises
    ------
    ManifestError
        If the file cannot be read, or a line is no JSON.
    """
    shown = _shown(path)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else _bytes(path)
    except OSError as error:
        hint = "check the path and its permissions"
        raise ManifestError(f"{shown}: cannot be read ({error.strerror})", hint) from None
    for count, line in enumerate(data.splitlines(), 1):
        if line.strip():
            where = f"{shown}:{count}"
            try:
                yield where, load_json(line)
            except ValueError as error:
                raise ManifestError(f"{where}: not valid JSON ({error})", _HINT) from None


def _shown(path: str) -> str:
    return "standard input" if path == STDIN else path


def _bytes(path: str) -> bytes:
    with open(os.fsencode(path), "rb") as stream:
        return stream.read()


def _whole(place: str, model: str, data: dict[str, Json]) -> ModelScores:
    levels = [_level(x, f"levels[{i}]") for i, x in enumerate(array(data.get("levels", []), "levels"))]
    confusion = None
    if data.get("confusion") is not None:
        block = mapping(data["confusion"], "confusion")
        classes = [string(x, "confusion.classes") for x in array(block.get("classes"), "confusion.classes")]
        rows = [array(row, "confusion.counts") for row in array(block.get("counts"), "confusion.counts")]
        counts = [[number(x, "confusion.counts", minimum=0) for x in row] for row in rows]
        if len(counts) != len(classes) or any(len(row) != len(classes) for row in counts):
            raise WrongKeyError("confusion.counts", "is no square of as many rows as there are classes")
        confusion = (classes, counts)
    baseline = None
    if data.get("baseline") is not None:
        baseline = string(mapping(data["baseline"], "baseline").get("model"), "baseline.model")
    return ModelScores(place, model, sorted(levels, key=lambda x: x.polyphony), confusion, baseline)


def _level(value: Json, key: str) -> LevelRow:
    data = mapping(value, key)
    classes = {}
    for name, one in mapping(data.get("classes", {}), f"{key}.classes").items():
        row = mapping(one, f"{key}.classes.{name}")
        tpr, accuracy = (_ratio(row.get(x), f"{key}.classes.{name}.{x}") for x in ("tpr", "accuracy"))
        classes[name] = ClassLevel(tpr, accuracy, _counts(row, f"{key}.classes.{name}."))
    return LevelRow(
        integer(data.get("polyphony"), f"{key}.polyphony", minimum=0),
        integer(data.get("num_items"), f"{key}.num_items", minimum=0),
        _ratio(data.get("iou"), f"{key}.iou"),
        _ratio(data.get("emr"), f"{key}.emr"),
        classes,
    )


def _class(data: dict[str, Json]) -> ClassRow:
    baseline = {}
    for name, value in mapping(data.get("baseline") or {}, "baseline").items():
        block = mapping(value, f"baseline.{name}")
        parts = ("value", "difference", "low", "high")
        baseline[name] = Difference(*(_defined(block.get(x), f"baseline.{name}.{x}") for x in parts))
    return ClassRow(string(data.get("label"), "label"), _counts(data, ""), baseline)


def _counts(data: dict[str, Json], key: str) -> Counts:
    return Counts(*(integer(data.get(x), key + x, minimum=0) for x in ("tp", "fp", "fn", "tn")))


def _ratio(value: Json, key: str) -> float:
    return math.nan if value is None else number(value, key, minimum=0, maximum=1)


def _defined(value: Json, key: str) -> float:
    return math.nan if value is None else number(value, key)
