"""The scoring stage: records with labels and predictions in, figures out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ..aggregation import Aggregation
from ..atomic import write_text
from ..errors import ImtoolsWarning, UsageError
from ..labels import Unlisted
from ..manifest.stream import STDIN
from ..run import Run
from ..run.journal import claim_file
from ..score import Collected, Resampling, ScoreReport, collect, evaluate
from ..score.judge import Threshold
from ..thresholds import Thresholds, ThresholdsFile
from .inputs import items_of, take_in


def score(
    run: Run,
    *,
    report: str | None,
    threshold: float | None,
    thresholds: str | None,
    unlisted: Unlisted,
    model: str | None,
    classes: Sequence[str] | None,
    aggregation: Aggregation | None,
    resampling: Resampling,
    baseline: str | None,
    baseline_model: str | None,
) -> ScoreReport | None:
    """Score the records of a run; ``None`` in a dry run.

    Parameters
    ----------
    run : Run
        The harness.
    report : str or None
        A page of HTML to write.
    threshold : float or None
        One for all classes.
    thresholds : str or None
        A file of `im-threshold`, which has those of each model.
    baseline : str or None
        A manifest with the predictions of another model, which must have no fault. The run's conditions
        hold for it, too.
    unlisted, model, classes, aggregation, resampling, baseline_model
        See `imtools.score.evaluate`.

    Raises
    ------
    UsageError
        If standard input is to be both.
    ImtoolsError
        If the file of thresholds or the baseline cannot be read.
    """
    file = None if thresholds is None else ThresholdsFile.load(thresholds)
    own: dict[str, Thresholds] = {}

    def choose(name: str) -> Threshold:
        if file is None:
            return threshold
        own[name] = file.of(name)
        return own[name].classes

    if baseline == STDIN and STDIN in (run.options.inputs or [STDIN]):
        raise UsageError("standard input cannot be its own baseline", "name a file for one of them")
    if run.options.dry_run:
        count = sum(1 for _ in run.each_record())
        run.say(f"dry run: {count} records would be scored")
        return None
    if report is not None:
        claim_file(report, force=run.options.force)
    run.start()
    with run.clock.measure("read"):
        collected = Collected(aggregation)
        take_in(run, run.items(), collected.add)
        others = None
        if baseline is not None:
            found = (item.resolve() for item in items_of(run, baseline))
            others = collect(found, aggregation=aggregation)
    with run.clock.measure("score"):
        scores = evaluate(
            collected,
            threshold=choose,
            unlisted=unlisted,
            classes=classes,
            model=model,
            resampling=resampling,
            baseline=others,
            baseline_model=baseline_model,
        )
    if file is not None and (overlap := own[scores.model].overlap(collected.ids, collected.recordings)):
        warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
    if report is not None:
        from ..report import scores_page

        with run.clock.measure("report"):
            write_text(report, scores_page(scores))
    return scores
