"""The scoring stage: from records with labels and predictions to a score report."""

from __future__ import annotations

from collections.abc import Sequence

from ..atomic import write_text
from ..choices import Aggregation, Unlisted
from ..errors import UsageError
from ..manifest.stream import STDIN
from ..run import Run
from ..run.journal import claim_file
from ..score import (
    LabelledPredictions,
    Resampling,
    ScoreReport,
    collect,
    score_records,
)
from ..thresholds import ThresholdsFile
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
    """Score the records of a run.

    Parameters
    ----------
    run : Run
        The harness.
    report : str or None
        A page of HTML to write.
    threshold : float or None
        One threshold for all classes.
    thresholds : str or None
        A thresholds file, with those of each model, instead.
    baseline : str or None
        A manifest with the predictions of another model, in which no record may be faulty. The run's
        conditions apply to it as well.
    unlisted, model, classes, aggregation, resampling, baseline_model
        See `imtools.score.score_records`.

    Returns
    -------
    ScoreReport or None
        ``None`` in a dry run.

    Raises
    ------
    UsageError
        If standard input is both input and baseline, or as `imtools.score.score_records`.
    ImtoolsError
        If the thresholds file or the baseline cannot be read.
    """
    fitted = None if thresholds is None else ThresholdsFile.load(thresholds)
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
        collected = LabelledPredictions(aggregation)
        take_in(run, run.items(), collected.add)
        others = None
        if baseline is not None:
            records = (item.resolve() for item in items_of(run, baseline))
            others = collect(records, aggregation=aggregation)
    with run.clock.measure("score"):
        scores = score_records(
            collected,
            threshold=threshold if fitted is None else fitted,
            unlisted=unlisted,
            classes=classes,
            model=model,
            resampling=resampling,
            baseline=others,
            baseline_model=baseline_model,
        )
    if report is not None:
        from ..report import scores_page

        with run.clock.measure("report"):
            write_text(report, scores_page(scores))
    return scores
