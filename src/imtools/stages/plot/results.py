"""Pictures of training and of scores: they need neither records nor torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...plot.confusion import against_rest, draw_against_rest, draw_confusion
from ...plot.difference import draw_differences
from ...plot.history import read_history
from ...plot.polyphony import draw_polyphony, draw_polyphony_by_class
from ...plot.scores import ModelScores, read_scores
from ...plot.training import draw_training
from ...run import Run
from .output import PictureOutput, dry

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training(run: Run, paper: PictureOutput, paths: Sequence[str], *, metric: str | None) -> None:
    """Draw histories of training; see `imtools.plot.training.draw_training`."""
    paper.check()
    if not paths:
        raise UsageError("no history to draw", "give model directories")
    if dry(run, paper, len(paths), "histories"):
        return
    histories = [read_history(path) for path in paths]
    figure = draw_training(histories, metric=metric, **paper.look)
    _finish(run, paper, "training", figure, len(paths))


def difference(run: Run, paper: PictureOutput, paths: Sequence[str], *, metric: str) -> None:
    """Draw differences to a baseline; see `imtools.plot.difference.draw_differences`."""
    paper.check()
    if not dry(run, paper, len(paths or "-"), "score files"):
        scores = _scores(paths)
        figure = draw_differences(scores, metric=metric, **paper.look)
        _finish(run, paper, "difference", figure, len(scores))


def polyphony(run: Run, paper: PictureOutput, paths: Sequence[str], *, per_class: str | None) -> None:
    """Draw scores against polyphony; see `imtools.plot.polyphony`."""
    paper.check()
    if not dry(run, paper, len(paths or "-"), "score files"):
        scores = _scores(paths)
        if per_class is None:
            figure = draw_polyphony(scores, **paper.look)
        else:
            figure = draw_polyphony_by_class(scores, ratio=per_class, **paper.look)
        _finish(run, paper, "polyphony", figure, len(scores))


def confusion(
    run: Run, paper: PictureOutput, paths: Sequence[str], *, level: int | None, against: bool
) -> None:
    """Draw confusion matrices; see `imtools.plot.confusion`.

    Parameters
    ----------
    run : Run
        The harness.
    paper : PictureOutput
        Where to draw.
    paths : sequence of str
        One score file of one model.
    level : int, optional
        The level of polyphony of which to draw class against rest.
    against : bool
        Whether to draw class against rest at all; of all items if there is no ``level``.
    """
    paper.check()
    if dry(run, paper, len(paths or "-"), "score files"):
        return
    scores = _scores(paths)
    if len(scores) > 1:
        raise UsageError(f"scores of {len(scores)} models", "draw the confusion of one at a time")
    if against:
        figure = draw_against_rest(against_rest(scores[0], level), **paper.look)
    else:
        figure = draw_confusion(scores[0], **paper.look)
    _finish(run, paper, "confusion", figure, 1)


def _scores(paths: Sequence[str]) -> list[ModelScores]:
    return [scores for path in paths or ["-"] for scores in read_scores(path)]


def _finish(run: Run, paper: PictureOutput, kind: str, figure: Figure, count: int) -> None:
    for _ in range(count):
        run.succeed()
    paper.deliver(run, kind, figure)
