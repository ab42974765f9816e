"""Scores as a table of plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .evaluate import Scores

_NAME_WIDTH = 36  # with all other columns of a class's line, 100
_MODEL_WIDTH = 88


def format_table(scores: Scores) -> str:
    """Return the scores as aligned plain text of at most 100 columns, without a newline at the end.

    Longer names are cut; an undefined number is a dash. The thresholds stand in a column of their own
    where they differ.
    """
    made, ones = scores.decisions, scores.all_ones
    thresholds = {row.threshold for row in scores.classes}
    one = len(thresholds) == 1
    at = f"threshold {thresholds.pop():g}" if one else "one threshold for each class"
    ranking = [scores.lrap, scores.auc, scores.mean_ap, scores.top1]
    decisions = [
        ["", "precision", "recall", "F1", "F1 of all-ones"],
        ["micro", *_cells(made.micro.precision, made.micro.recall, made.micro.f1, ones.micro.f1)],
        [
            "macro (mean of F1s)",
            *_cells(made.macro.precision, made.macro.recall, made.macro.f1, ones.macro.f1),
        ],
        ["macro (F1 of the means)", "", "", *_cells(made.macro_f1_of_means, ones.macro_f1_of_means)],
    ]
    classes = [
        ["class", "support", "precision", "recall", "F1", "AUC", "AP", *([] if one else ["threshold"])]
    ]
    for row in scores.classes:
        cells = _cells(row.precision, row.recall, row.f1, row.auc, row.ap, *([] if one else [row.threshold]))
        classes.append([_cut(row.label, _NAME_WIDTH), str(row.support), *cells])
    return "\n".join(
        [
            f"model   {_cut(scores.model, _MODEL_WIDTH)}",
            f"items   {scores.num_items} scored; left out: {scores.num_unpredicted} without predictions, "
            f"{scores.num_unlabelled} without labels",
            f"labels  {len(scores.classes)} classes, {100 * scores.known:.1f} % of the entries known",
            "",
            "ranking, without a threshold",
            *_aligned([["", "LRAP", "AUC (macro)", "mAP", "top-1"], ["", *_cells(*ranking)]]),
            "",
            f"decisions, {at}",
            *_aligned(decisions),
            "",
            *_aligned(classes),
        ]
    )


def _cells(*values: float) -> list[str]:
    return ["-" if math.isnan(value) else f"{value:.3f}" for value in values]


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 3]}..."


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column flush left and the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
