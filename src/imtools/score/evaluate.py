"""Scores of a model: from records with labels and predictions to numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..aggregation import Aggregation
from ..errors import UsageError
from ..labels import Unlisted
from ..manifest import Record
from .collect import Collected, collect, member_of
from .folds import over_folds, over_members
from .judge import Threshold, judge
from .resample import Resampling, compare, with_intervals
from .result import Scores


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
) -> Scores:
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
    aggregation : {"mean", "logit-mean", "s2", "max"}, optional
        Make the scores of an item from those of its windows; see `collect`.
    resampling : Resampling, optional
        Give bootstrap intervals.
    baseline : iterable of Record, or Collected, optional
        Items with the predictions of another model, to compare with.
    baseline_model : str, optional
        Which one it is, if there are several. Without ``baseline``, it is looked for in ``records``.

    Returns
    -------
    Scores
        With figures by fold, if every item has a fold or there are predictions of a model's members.

    Raises
    ------
    UsageError
        If a model is not there or has to be chosen, it does not predict a wanted class, a class has no
        threshold, no item has both labels and predictions, or the baseline is the model itself.

    Warns
    -----
    ImtoolsWarning
        As `Collected.of`, `with_intervals` and `compare`.
    """
    collected = records if isinstance(records, Collected) else collect(records, aggregation=aggregation)
    choose = threshold if callable(threshold) else lambda _: threshold
    resampling = resampling or Resampling(replicates=0)
    data = collected.of(model, classes=classes, unlisted=unlisted)
    own = choose(data.model)
    members = {
        fold: collected.of(name, classes=data.classes, unlisted=unlisted, quiet=True)
        for name in collected.members(data.model)
        if (fold := member_of(name)[1]) is not None
    }
    folds = over_members(members, own) or over_folds(data, own)
    scores, samples = with_intervals(replace(judge(data, own), folds=folds), data, own, resampling)
    if baseline is None and baseline_model is None:
        return scores
    if baseline is None:
        others = collected
    else:
        others = baseline if isinstance(baseline, Collected) else collect(baseline, aggregation=aggregation)
    if others is collected and baseline_model == data.model:
        raise UsageError(f"{data.model} cannot be its own baseline", "name another model")
    other = others.of(baseline_model, classes=data.classes, unlisted=unlisted)
    pair = own, choose(other.model)
    return replace(scores, baseline=compare(data, other, pair, resampling, samples))
