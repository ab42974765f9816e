"""The scoring stage: records with labels and predictions in, figures out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from ..aggregation import Aggregation
from ..atomic import write_text
from ..errors import ImtoolsWarning
from ..labels import Unlisted
from ..manifest import Record
from ..run import Run
from ..run.items import read_items
from ..run.journal import claim_file
from ..score import Resampling, Scores, collect, evaluate
from ..score.judge import Threshold
from ..thresholds import ThresholdsFile


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
) -> Scores | None:
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
        A manifest with the predictions of another model.
    unlisted, model, classes, aggregation, resampling, baseline_model
        See `imtools.score.evaluate`.

    Raises
    ------
    ImtoolsError
        If the file of thresholds or the baseline cannot be read.
    """
    file = None if thresholds is None else ThresholdsFile.load(thresholds)

    def choose(name: str) -> Threshold:
        return threshold if file is None else file.of(name).classes

    if run.options.dry_run:
        count = sum(1 for _ in run.each_record())
        run.say(f"dry run: {count} records would be scored")
        return None
    if report is not None:
        claim_file(report, force=run.options.force)
    run.start()
    with run.clock.measure("read"):
        collected = collect(_counted(run), aggregation=aggregation)
        others = None if baseline is None else collect(_records(baseline), aggregation=aggregation)
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
    if file is not None and (overlap := file.of(scores.model).overlap(collected.ids, collected.recordings)):
        warnings.warn(ImtoolsWarning(overlap.warning()), stacklevel=2)
    if report is not None:
        from ..report import scores_page  # matplotlib takes its time: only who wants pictures waits

        with run.clock.measure("report"):
            write_text(report, scores_page(scores))
    return scores


def _counted(run: Run) -> Iterator[Record]:
    for record in run.each_record():
        run.succeed()
        yield record


def _records(manifest: str) -> Iterator[Record]:
    """Yield the records of a manifest that must have no fault."""
    for item in read_items([manifest]):
        yield item.resolve()
