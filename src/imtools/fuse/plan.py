"""Planning fusions: from the models with predictions, and the settings, to the fusions to make."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..arrays import Float64Array
from ..choices import RULES, Rule
from ..errors import UsageError
from ..hashing import stable_hash
from ..score.model_names import member_of, named
from ..thresholds.file import ThresholdsFile
from .fusion import Fusion
from .rules import DECIDING, WEIGHTED

Classes = Mapping[str, Sequence[str]]
"""The classes of each model."""

Weights = Mapping[str, float] | Sequence[float]
"""The weights of some models, by full name or the name before ``@``, and 1 for the others; or those of all
models, in their order."""


def plan(
    classes: Classes,
    rule: Rule = "mean",
    *,
    models: Sequence[str] = (),
    weights: Weights | None = None,
    thresholds: ThresholdsFile | None = None,
    threshold: float | None = None,
    by_fold: bool = False,
    partial: bool = False,
    name: str | None = None,
) -> list[Fusion]:
    """Return the fusions to make of the predictions of some models.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        The classes of each model with predictions, including members (``"net@1f3a#fold0"``).
    rule : {"mean", "logit-mean", "max", "vote", "all"}
        See `fuse_scores`.
    models : sequence of str
        The models to fuse, by full name or the name before ``@``, in this order; all if empty.
    weights : mapping of str to float, or sequence of float, optional
        The weights of the models, above 0, for the rules that use them: by name, where models that are not
        named have weight 1, or in the models' order.
    thresholds : ThresholdsFile, optional
        The models' thresholds, for the rules that use them.
    threshold : float, optional
        One threshold for all instead; 0.5 if neither is given.
    by_fold : bool
        Fuse the members of one fold over the models, fold by fold (kratimenos2020, section V).
    partial : bool
        Fuse classes that only some models have over the models that have them.
    name : str, optional
        The model name of the fused predictions, which replace any of that name; if not given,
        ``fuse-RULE@HASH``, with 8 digits that depend on the rule, the models, their classes, weights and
        thresholds.

    Returns
    -------
    list of Fusion
        One, or one for each fold, in their order.

    Raises
    ------
    UsageError
        If there are fewer than two models, there are no predictions of a named one, the parameters do not go
        together or with the rule, or the models differ in their classes or folds.

    Examples
    --------
    >>> classes = {"mel@1f3a": ["flu", "vio"], "cqt@77b0": ["flu", "vio"]}
    >>> (fusion,) = plan(classes, weights={"mel": 3}, name="both")
    >>> fusion.models, fusion.weights
    (('mel@1f3a', 'cqt@77b0'), (3.0, 1.0))
    >>> scores = {"mel@1f3a": {"flu": 0.8, "vio": 0.0}, "cqt@77b0": {"flu": 0.4, "vio": 1.0}}
    >>> [(prediction.label, prediction.score) for prediction in fusion.fuse("song", scores)]
    [('flu', 0.7), ('vio', 0.25)]
    """
    _check(rule, weights, thresholds, threshold, name)
    classes = {model: labels for model, labels in classes.items() if member_of(model)[0] != name}
    if not classes:
        raise UsageError("no record has predictions for the whole item", "run im-predict")
    chosen = _chosen(_available(classes, by_fold, bool(models)), models)
    if len(chosen) < 2:
        what = f"there are predictions of one model only: {chosen[0]}"
        raise UsageError(what, "give those of at least two")
    factors = None if weights is None else _factors(weights, chosen)
    folds: Sequence[int | None] = _folds(classes, chosen) if by_fold else [None]
    fusions = []
    for fold in folds:
        members = chosen if fold is None else [f"{model}#fold{fold}" for model in chosen]
        labels = _common_classes(classes, members, partial)
        limits = None
        if rule in DECIDING:
            limits = _limits(classes, members, labels, thresholds, 0.5 if threshold is None else threshold)
        fusions.append(Fusion("", tuple(members), tuple(labels), rule, factors, limits, partial))
    whole = name or f"fuse-{rule}@{_digest(fusions)}"
    names = [whole if fold is None else f"{whole}#fold{fold}" for fold in folds]
    return [replace(fusion, name=name) for fusion, name in zip(fusions, names, strict=True)]


def _check(
    rule: Rule,
    weights: Weights | None,
    thresholds: ThresholdsFile | None,
    threshold: float | None,
    name: str | None,
) -> None:
    if rule not in RULES:
        raise UsageError(f"unknown rule {rule!r}", f"choose from {', '.join(RULES)}")
    if weights is not None and rule not in WEIGHTED:
        raise UsageError(f"rule {rule!r} has no weights", f"they are for {' and '.join(WEIGHTED)}")
    if (thresholds is not None or threshold is not None) and rule not in DECIDING:
        raise UsageError(f"rule {rule!r} has no thresholds", f"they are for {' and '.join(DECIDING)}")
    if thresholds is not None and threshold is not None:
        raise UsageError("`threshold` and `thresholds` do not go together", "choose one of them")
    if name is not None and (not name or member_of(name)[1] is not None):
        raise UsageError(f"{name!r} is not a valid model name", "give another")


def _available(classes: Classes, by_fold: bool, chosen: bool) -> list[str]:
    """Return the models that can be fused, in order: whole ones, or those with members."""
    split = [member_of(model) for model in classes]
    found = list(dict.fromkeys(whole for whole, fold in split if (fold is not None) == by_fold))
    if by_fold and not found:
        raise UsageError("no predictions of members to fuse fold by fold", "run im-predict with `members`")
    without = sorted({whole for whole, _ in split} - set(found))
    if without and not by_fold and not (chosen and found):
        what = f"there are only predictions of members of {', '.join(without)}"
        raise UsageError(what, "fuse them with `by_fold=True`")
    return found


def _chosen(available: list[str], models: Sequence[str]) -> list[str]:
    if not models:
        return available
    chosen = [named(model, available) for model in models]
    if len(set(chosen)) < len(chosen):
        raise UsageError("a model is named twice", "name each once")
    return chosen


def _factors(weights: Weights, models: Sequence[str]) -> tuple[float, ...]:
    """Return the weight of each model."""
    if isinstance(weights, Mapping):
        factors = dict.fromkeys(models, 1.0)
        for model, weight in weights.items():
            factors[named(model, models)] = float(weight)
    else:
        if len(weights) != len(models):
            what = f"`weights`: {len(weights)} for {len(models)} models"
            raise UsageError(what, "give one for each model in their order, or by name")
        factors = dict(zip(models, map(float, weights), strict=True))
    for weight in factors.values():
        if not 0 < weight < math.inf:
            hint = "give numbers above 0; leave out models that should not count"
            raise UsageError(f"`weights`: {weight:g} is not a weight", hint)
    return tuple(factors.values())


def _folds(classes: Classes, models: Sequence[str]) -> list[int]:
    """Return the folds of the models' members, which must be the same for all."""
    folds: dict[str, set[int]] = {model: set() for model in models}
    for name in classes:
        whole, fold = member_of(name)
        if fold is not None and whole in folds:
            folds[whole].add(fold)
    first = folds[models[0]]
    for model in models[1:]:
        if folds[model] != first:
            what = f"{models[0]} has members of folds {_listed(first)}, {model} of {_listed(folds[model])}"
            raise UsageError(what, "train the models with the same folds")
    return sorted(first)


def _listed(folds: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(folds)))


def _common_classes(classes: Classes, models: Sequence[str], partial: bool) -> list[str]:
    """Return the classes to fuse, in order of first appearance."""
    every = list(dict.fromkeys(label for model in models for label in classes[model]))
    if partial:
        return every
    known = [set(classes[model]) for model in models]
    if apart := [label for label in every if not all(label in labels for labels in known)]:
        what = f"not all of {', '.join(models)} have {', '.join(apart)}"
        raise UsageError(what, "pass `partial=True` to fuse each class over the models that have it")
    return every


def _limits(
    classes: Classes,
    models: Sequence[str],
    labels: Sequence[str],
    thresholds: ThresholdsFile | None,
    threshold: float,
) -> Float64Array:
    """Return the thresholds of the models, shape (models, classes)."""
    limits = np.full((len(models), len(labels)), threshold)
    if thresholds is None:
        return limits
    for row, model in enumerate(models):
        own, held = thresholds.for_model(model).classes, set(classes[model])
        if missing := [label for label in labels if label in held and label not in own]:
            what = f"{thresholds.name}: has no threshold of model {model} for {', '.join(missing)}"
            raise UsageError(what, "fit them on all classes, with im-threshold")
        limits[row] = [own.get(label, threshold) for label in labels]
    return limits


def _digest(fusions: Sequence[Fusion]) -> str:
    key = [
        (
            fusion.rule,
            fusion.models,
            fusion.classes,
            fusion.weights,
            None if fusion.thresholds is None else fusion.thresholds.tolist(),
        )
        for fusion in fusions
    ]
    return stable_hash(key)[:8]
