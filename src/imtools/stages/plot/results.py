"""Pictures of training and of scores: they need neither records nor torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from ...choices import ClassMetric, ClassRatio
from ...errors import UsageError
from ...plot.confusion import against_rest, draw_against_rest, draw_confusion
from ...plot.difference import baseline_of, draw_differences
from ...plot.history import read_history
from ...plot.polyphony import check_levels, draw_polyphony, draw_polyphony_by_class
from ...plot.training import draw_training
from ...run import Run
from ...score.reading import read_scores, shown
from ...score.result import ScoreReport
from .output import PictureOutput

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training(run: Run, output: PictureOutput, paths: Sequence[str], *, metric: str | None) -> None:
    """Draw histories of training; see `imtools.plot.training.draw_training`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    paths : sequence of str
        Model directories, or their histories.
    metric : str or None
        A metric on the validation records that has a panel, too.
    """
    output.check()
    if not paths:
        raise UsageError("no history to draw", "give model directories")
    if output.start(run, len(paths), "histories"):
        histories = [read_history(path) for path in paths]
        figure = draw_training(histories, metric=metric, width=output.width_cm, title=output.title)
        _finish(run, output, "training", figure, len(paths))


def difference(run: Run, output: PictureOutput, paths: Sequence[str], *, metric: ClassMetric) -> None:
    """Draw differences from a baseline; see `imtools.plot.difference.draw_differences`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    paths : sequence of str
        Score files; standard input if there are none.
    metric : str
        One of `imtools.choices.CLASS_METRICS`.
    """
    output.check()
    if output.start(run, len(paths or "-"), "score files"):
        reports = _reports(paths, baseline_of)
        figure = draw_differences(reports, metric=metric, width=output.width_cm, title=output.title)
        _finish(run, output, "difference", figure, len(reports))


def polyphony(run: Run, output: PictureOutput, paths: Sequence[str], *, per_class: ClassRatio | None) -> None:
    """Draw scores against polyphony; see `imtools.plot.polyphony`.

    Parameters
    ----------
    run, output, paths
        As for `difference`.
    per_class : {"tpr", "accuracy"} or None
        A ratio to draw for each class; ``None``: scores of all classes together.
    """
    output.check()
    if output.start(run, len(paths or "-"), "score files"):
        reports = _reports(paths, check_levels)
        if per_class is None:
            figure = draw_polyphony(reports, width=output.width_cm, title=output.title)
        else:
            figure = draw_polyphony_by_class(
                reports, ratio=per_class, width=output.width_cm, title=output.title
            )
        _finish(run, output, "polyphony", figure, len(reports))


def confusion(
    run: Run, output: PictureOutput, paths: Sequence[str], *, level: int | Literal["all"] | None
) -> None:
    """Draw confusion matrices; see `imtools.plot.confusion`.

    Parameters
    ----------
    run, output, paths
        As for `difference`; the scores must be of one model.
    level : int or "all", optional
        Draw each class against the rest: of the items at this level of polyphony, or of all items. ``None``:
        draw which class is taken for which.
    """
    output.check()
    if not output.start(run, len(paths or "-"), "score files"):
        return
    found = [(path, report) for path in paths or ["-"] for report in read_scores(path)]
    if len(found) > 1:
        raise UsageError(f"scores of {len(found)} models", "draw the confusion of one at a time")
    ((path, report),) = found
    with _naming(path):
        if level is None:
            figure = draw_confusion(report, width=output.width_cm, title=output.title)
        else:
            matrices = against_rest(report, None if level == "all" else level)
            figure = draw_against_rest(matrices, width=output.width_cm, title=output.title)
    _finish(run, output, "confusion", figure, 1)


def _reports(paths: Sequence[str], check: Callable[[ScoreReport], object]) -> list[ScoreReport]:
    """Return the reports in score files that all pass a check, whose errors name the file."""
    reports = []
    for path in paths or ["-"]:
        for report in read_scores(path):
            with _naming(path):
                check(report)
            reports.append(report)
    return reports


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Name the score file in errors about its content."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{shown(path)}: {error.message}", error.hint) from None


def _finish(run: Run, output: PictureOutput, kind: str, figure: Figure, count: int) -> None:
    for _ in range(count):
        run.succeed()
    output.write(run, kind, figure)
