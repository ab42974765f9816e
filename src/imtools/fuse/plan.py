"""Settling what is fused: from the models that there are, and what was asked, to fusions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..hashing import stable_hash
from ..score.model_names import member_of, named
from ..thresholds.file import ThresholdsFile
from .fusion import Fusion
from .rules import DECIDING, RULES, WEIGHTED, Rule

Classes = Mapping[str, Sequence[str]]
"""The classes of each model."""


def plan(
    classes: Classes,
    rule: Rule = "mean",
    *,
    models: Sequence[str] = (),
    weights: str | None = None,
    thresholds: ThresholdsFile | None = None,
    threshold: float | None = None,
    by_fold: bool = False,
    partial: bool = False,
    name: str | None = None,
) -> list[Fusion]:
    """Return the fusions to make of the predictions that there are.

    Parameters
    ----------
    classes : mapping of str to sequence of str
        The classes of each model that there are predictions of, members (``"net@1f3a#fold0"``) among them.
    rule : str
        See `fuse_scores`.
    models : sequence of str
        The models to fuse, by full name or the name before ``@``, in this order; all if empty.
    weights : str, optional
        ``"NAME=2,NAME=1"``, where those that are not named weigh 1, or ``"2,1"`` in the models' order.
    thresholds : ThresholdsFile, optional
        The models' thresholds, for the rules that need some.
    threshold : float, optional
        One threshold for all instead; 0.5 if neither is given.
    by_fold : bool
        Fuse the members of one fold over the models, fold by fold (kratimenos2020, section V).
    partial : bool
        Let classes that not every model knows be fused over those that know them.
    name : str, optional
        The name of the fused predictions, which takes the place of any that has it; ``fuse-RULE@HASH`` if
        not given, with 8 digits that depend on the rule, the models, their classes, weights and thresholds.

    Returns
    -------
    list of Fusion
        One, or one for each fold, in their order.

    Raises
    ------
    UsageError
        If there are fewer than two models, a named one is not there, options do not go with the rule, or
        the models differ in their classes or folds.
    """
    if rule not in RULES:
        raise UsageError(f"unknown rule {rule!r}", f"choose from {', '.join(RULES)}")
    if weights is not None and rule not in WEIGHTED:
        raise UsageError(f"rule {rule!r} knows no weights", f"they are for {' and '.join(WEIGHTED)}")
    if (thresholds is not None or threshold is not None) and rule not in DECIDING:
        raise UsageError(f"rule {rule!r} knows no thresholds", f"they are for {' and '.join(DECIDING)}")
    if thresholds is not None and threshold is not None:
        raise UsageError("--threshold and --thresholds do not go together", "choose one of them")
    if name is not None and (not name or member_of(name)[1] is not None):
        raise UsageError(f"{name!r} is no name of a model", "give another")
    classes = {model: labels for model, labels in classes.items() if member_of(model)[0] != name}
    if not classes:
        raise UsageError("no record has predictions for the whole item", "run im-predict")
    chosen = _chosen(_available(classes, by_fold, bool(models)), models)
    if len(chosen) < 2:
        what = f"there are predictions of one model only: {chosen[0]}"
        raise UsageError(what, "give those of two at least")
    factors = _factors(weights, chosen)
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
    return [replace(one, name=name) for one, name in zip(fusions, names, strict=True)]


def _available(classes: Classes, by_fold: bool, named: bool) -> list[str]:
    """Return the models that can be fused, in their order: whole ones, or those that have members."""
    wanted = [member_of(model) for model in classes]
    found = list(dict.fromkeys(whole for whole, fold in wanted if (fold is not None) == by_fold))
    if by_fold and not found:
        raise UsageError("no predictions of members to fuse fold by fold", "run im-predict --members")
    bare = sorted({whole for whole, _ in wanted} - set(found))
    if bare and not by_fold and not (named and found):
        what = f"there are only predictions of members of {', '.join(bare)}"
        raise UsageError(what, "fuse them with --by-fold")
    return found


def _chosen(available: list[str], wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return available
    chosen = [named(one, available) for one in wanted]
    if len(set(chosen)) < len(chosen):
        raise UsageError("a model is named twice", "name each once")
    return chosen


def _factors(weights: str | None, models: Sequence[str]) -> tuple[float, ...] | None:
    """Return the weight of each model."""
    if weights is None:
        return None
    parts = [part.strip() for part in weights.split(",")]
    hint = "write NAME=2,NAME=1, or a number for each model in their order"
    told = ["=" in part for part in parts]
    if all(told):
        factors = dict.fromkeys(models, 1.0)
        for part in parts:
            model, _, text = part.rpartition("=")
            factors[named(model.strip(), models)] = _factor(text, hint)
        return tuple(factors.values())
    if any(told):
        raise UsageError(f"--weights {weights}: names only some of its models", hint)
    if len(parts) != len(models):
        raise UsageError(f"--weights {weights}: {len(parts)} for {len(models)} models", hint)
    return tuple(_factor(part, hint) for part in parts)


def _factor(text: str, hint: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"--weights: {text!r} is no number", hint) from None
    if not 0 < value < math.inf:
        raise UsageError(
            f"--weights: {text} is no weight", "give numbers above 0; leave out what weighs nothing"
        )
    return value


def _folds(classes: Classes, models: Sequence[str]) -> list[int]:
    """Return the folds of the models' members, which must be the same."""
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
    """Return the classes to fuse, in the order of the first model that knows them."""
    every = list(dict.fromkeys(label for model in models for label in classes[model]))
    if partial:
        return every
    known = [set(classes[model]) for model in models]
    if apart := [label for label in every if not all(label in labels for labels in known)]:
        what = f"not all of {', '.join(models)} know {', '.join(apart)}"
        raise UsageError(what, "add --partial to fuse each class over the models that know it")
    return every


def _limits(
    classes: Classes,
    models: Sequence[str],
    labels: Sequence[str],
    thresholds: ThresholdsFile | None,
    threshold: float,
) -> NDArray[np.float64]:
    limits = np.full((len(models), len(labels)), threshold)
    if thresholds is None:
        return limits
    for row, model in enumerate(models):
        own, held = thresholds.of(model).classes, set(classes[model])
        if missing := [label for label in labels if label in held and label not in own]:
            what = f"{thresholds.name}: has no threshold of model {model} for {', '.join(missing)}"
            raise UsageError(what, "fit them on all classes, with im-threshold")
        limits[row] = [own.get(label, threshold) for label in labels]
    return limits


def _digest(fusions: Sequence[Fusion]) -> str:
    key = [
        (one.rule, one.models, one.classes, one.weights, None if one.limits is None else one.limits.tolist())
        for one in fusions
    ]
    return stable_hash(key)[:8]
