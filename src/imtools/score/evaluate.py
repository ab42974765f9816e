"""Scores of a model: from records with labels and predictions to numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ..aggregation import Aggregation
from ..errors import ImtoolsWarning, UsageError
from ..labels import Unlisted
from ..manifest import Record
from .collect import UNDECIDED, Collected, LabelledScores, collect
from .folds import over_folds, over_members
from .judge import Threshold, judge
from .model_names import member_of
from .resample import Resampling, compare, with_intervals
from .result import ScoreReport


def evaluate(
    records: Iterable[Record] | Collected,
    *,
    threshold: Threshold | Callable[[str], Threshold] = None,
    unlisted: Unlisted = "unknown",
    classes: Sequence[str] | None = None,
    model: str | None = None,
    aggregation: Aggregation | None = None,
    resampling: Resampling | None = None,
    baseline: Iterable[Record] | Collected | None = None,
    baseline_model: str | None = None,
) -> ScoreReport:
    """Score the predictions in some records against their labels.

    Parameters
    ----------
    records : iterable of Record, or Collected
        Items with labels and predictions.
    threshold : float, mapping of str to float, None, or callable
        See `Threshold`; or what gives it for the name of a model.
    unlisted : {"unknown", "absent"}
        What a class is that a record with incomplete labels does not list.
    classes : sequence of str, optional
        The classes to score; all that the model predicts if not given.
    model : str, optional
        Which model's predictions to score, if there are several.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows; see `collect`.
    resampling : Resampling, optional
        Give bootstrap intervals.
    baseline : iterable of Record, or Collected, optional
        Items with the predictions of another model, to compare with.
    baseline_model : str, optional
        Which one it is, if there are several. Without ``baseline``, it is looked for in ``records``.

    Returns
    -------
    ScoreReport
        With figures by fold, if every item has a fold or there are predictions of a model's members.

    Raises
    ------
    UsageError
        If a model is not there or has to be chosen, it does not predict a wanted class, a class has no
        threshold, no item has both labels and predictions, or the baseline is the model itself.
    ManifestError
        As `collect`.

    Warns
    -----
    ImtoolsWarning
        As `Collected.of`, `with_intervals` and `compare`; and if only some of the predictions say what is
        present, where there is no threshold, or some members do not predict every class.
    """
    collected = records if isinstance(records, Collected) else collect(records, aggregation=aggregation)
    choose = threshold if callable(threshold) else lambda _: threshold
    resampling = resampling or Resampling(replicates=0)
    data = collected.of(model, classes=classes, unlisted=unlisted)
    own = _threshold(data, choose)
    folds = over_members(_members(collected, data, unlisted), own) or over_folds(data, own)
    scores, samples = with_intervals(replace(judge(data, own), folds=folds), data, own, resampling)
    if baseline is None and baseline_model is None:
        return scores
    if baseline is None:
        others = collected
    else:
        others = baseline if isinstance(baseline, Collected) else collect(baseline, aggregation=aggregation)
    try:
        other = others.of(baseline_model, classes=data.classes, unlisted=unlisted)
    except UsageError as error:
        raise UsageError(f"baseline: {error.message}", error.hint) from None
    if others is collected and other.model == data.model:
        raise UsageError(f"{data.model} cannot be its own baseline", "name another model")
    pair = own, _threshold(other, choose)
    return replace(scores, baseline=compare(data, other, pair, resampling, samples))


def _threshold(data: LabelledScores, choose: Callable[[str], Threshold]) -> Threshold:
    """Return the threshold for a model; say so where only some of its predictions need none."""
    own = choose(data.model)
    if own is None and data.decided is not None and (silent := int((data.decided == UNDECIDED).sum())):
        which = f"{silent} of {data.decided.size} predictions of model {data.model}"
        message = f"{which} do not say whether a class is present: there it is from a score of 0.5"
        warnings.warn(ImtoolsWarning(message), stacklevel=3)
    return own


def _members(collected: Collected, data: LabelledScores, unlisted: Unlisted) -> Mapping[int, LabelledScores]:
    """Return what a model's members say, by their folds; nothing if some of them lack a class."""
    members = {}
    for name in collected.members(data.model):
        if lacking := set(data.classes) - set(collected.classes(name)):
            message = f"no figures by fold: member {name} does not predict {', '.join(sorted(lacking))}"
            warnings.warn(ImtoolsWarning(message), stacklevel=3)
            return {}
        fold = member_of(name)[1]
        if fold is not None:
            members[fold] = collected.of(name, classes=data.classes, unlisted=unlisted, quiet=True)
    return members
