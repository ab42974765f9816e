"""The report of a paper's experiment: its printed figures, ours beside them, and caveats."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from .. import __version__
from ..errors import UsageError
from ..score.names import CLASS_NAMES, FIGURES
from ..score.reading import read_scores
from ..score.result import Interval, ScoreReport
from .page import Page, Under

PAPERS = ("kratimenos2020", "chen2024", "lumen2023", "avramidis2021", "vaznonis2022")
"""The papers with printed figures."""

_LEVEL_NAMES = {"iou": "intersection over union", "emr": "exact match ratio"}


@dataclass(frozen=True)
class PaperRow:
    """A row of a printed table.

    Attributes
    ----------
    key : str
        The key of our scores for it; in a table by class or level, that class or level.
    title : str
        Name of the row in the table; empty: as ``key``.
    printed : dict of str to list of float
        By figure: the value, and its deviation where there is one.
    """

    key: str
    title: str = ""
    printed: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperTable:
    """A printed table, or the figures of a section.

    Attributes
    ----------
    name, about : str
        Its name in the paper, and its content.
    figures : list of str
        The columns to show: keys of `imtools.score.names.FIGURES`, or of those of classes or levels.
    rows : list of PaperRow
        Its rows.
    per_class, per_level : str or None
        The rows are the classes, or the levels of polyphony, of the scores of this key.
    others : bool
        Whether our scores that have no row in any table are shown here.
    """

    name: str
    about: str
    figures: list[str]
    rows: list[PaperRow]
    per_class: str | None = None
    per_level: str | None = None
    others: bool = False

    @property
    def keys(self) -> list[str]:
        """The names of the scores that it shows."""
        own = self.per_class or self.per_level
        return [row.key for row in self.rows] if own is None else [own]


@dataclass(frozen=True)
class Paper:
    """The figures printed in a paper.

    Attributes
    ----------
    title, data : str
        Its title, and the data that its figures are of.
    tables : list of PaperTable
        Its figures.
    caveats : list of str
        Limits of the comparison.
    """

    title: str
    data: str
    tables: list[PaperTable]
    caveats: list[str]

    @property
    def keys(self) -> list[str]:
        """The names that our scores may have, in the order of the tables."""
        return list(dict.fromkeys(key for table in self.tables for key in table.keys))

    @property
    def takes_others(self) -> bool:
        """Whether scores with other names have a place, too."""
        return any(table.others for table in self.tables)


def load_paper(name: str) -> Paper:
    """Return the figures that a paper prints.

    Parameters
    ----------
    name : str
        One of `PAPERS`.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    if name not in PAPERS:
        raise UsageError(f"no figures of {name!r} are known", f"choose from {', '.join(PAPERS)}")
    text = resources.files(__package__).joinpath("papers", f"{name}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    tables = [
        PaperTable(**table | {"rows": [PaperRow(**row) for row in table["rows"]]})
        for table in content.pop("tables")
    ]
    return Paper(**content, tables=tables)


@dataclass(frozen=True)
class Measured:
    """Our scores for one row: of one run, or of several with different seeds.

    Attributes
    ----------
    runs : list of ScoreReport
        The scores of each run.
    """

    runs: list[ScoreReport]

    @classmethod
    def read(cls, paths: Sequence[str]) -> Measured:
        """Read the score files of im-score, one for each seed.

        Parameters
        ----------
        paths : sequence of str
            The files.

        Raises
        ------
        ManifestError
            If a file cannot be read or is not a score file.
        UsageError
            If a file has the scores of several models.
        """
        runs = []
        for path in paths:
            reports = read_scores(path)
            if len(reports) != 1:
                hint = "give one file of im-score with `fmt=jsonl` for each model"
                raise UsageError(f"{path}: holds the scores of {len(reports)} models", hint)
            runs += reports
        return cls(runs)

    @property
    def num_items(self) -> int:
        """Number of items that were scored."""
        return self.runs[0].num_items

    @property
    def labels(self) -> list[str]:
        """The classes that were scored."""
        return [scores.label for scores in self.runs[0].classes]

    def cell(self, figure: str, *, label: str | None = None, level: int | None = None) -> Under:
        """Return a figure with its interval, for a cell of a table.

        Parameters
        ----------
        figure : str
            A key of `imtools.score.names.FIGURES`, or of those of classes or levels.
        label : str, optional
            The class that the figure is of.
        level : int, optional
            The level of polyphony that the figure is of.

        Returns
        -------
        Under
            The mean over the runs. Below it: the minimum and the maximum of several runs, or mean and
            deviation over the folds of a single run; and the interval that spans those of all runs.
        """
        found = [_figure(report, figure, label, level) for report in self.runs]
        values = [value for value, _ in found if not math.isnan(value)]
        if not values:
            return Under("–")
        below = []
        if len(values) > 1:
            below.append(f"runs {min(values):.3f} to {max(values):.3f}")
        elif label is None and level is None and (folds := self.runs[0].folds) is not None:
            mean, deviation = folds.overall.get(figure, (math.nan, math.nan))
            below += [] if math.isnan(mean) else [f"folds {mean:.3f} ± {deviation:.3f}"]
        spans = [span for _, span in found if span is not None and not any(map(math.isnan, span))]
        if spans:
            below.append(f"{min(span.low for span in spans):.3f} to {max(span.high for span in spans):.3f}")
        return Under(f"{sum(values) / len(values):.3f}", tuple(below))


def _figure(
    report: ScoreReport, figure: str, label: str | None, level: int | None
) -> tuple[float, Interval | None]:
    """Return a figure of one run, NaN where it has none, and its interval where there is one."""
    intervals = report.intervals
    if label is not None:
        scores = next((scores for scores in report.classes if scores.label == label), None)
        by_class = {} if intervals is None else intervals.classes
        return getattr(scores, figure, math.nan), by_class.get(label, {}).get(figure)
    if level is not None:
        at_level = next((scores for scores in report.levels if scores.polyphony == level), None)
        return getattr(at_level, figure, math.nan), None
    return report.figures()[figure], None if intervals is None else intervals.overall.get(figure)


def paper_page(
    paper: Paper,
    measured: Mapping[str, Measured],
    *,
    notes: Sequence[str] = (),
    pictures: Mapping[str, str] = {},
) -> str:
    """Return the printed figures of a paper and ours as one page of HTML.

    Parameters
    ----------
    paper : Paper
        The printed figures.
    measured : mapping of str to Measured
        Our scores by key; a row that has not been run has none.
    notes : sequence of str
        Notes about this run, for the top.
    pictures : mapping of str to str
        SVG by caption.

    Returns
    -------
    str
        HTML that loads nothing from elsewhere.

    Raises
    ------
    UsageError
        If scores have a name that no table has a row for.
    """
    if (foreign := [key for key in measured if key not in paper.keys]) and not paper.takes_others:
        hint = f"choose from {', '.join(paper.keys)}"
        raise UsageError(f"no table has a row {foreign[0]!r}", hint)
    page = Page(paper.title)
    page.text(paper.data)
    for note in notes:
        page.text(note, kind="warning")
    for table in paper.tables:
        others = [PaperRow(key, key) for key in foreign] if table.others else []
        if table.per_class is not None and table.per_class in measured:
            named = {row.key for row in table.rows}
            others += [PaperRow(label) for label in measured[table.per_class].labels if label not in named]
        _add_table(page, table, [*table.rows, *others], measured)
    _add_oracles(page, measured)
    if pictures:
        page.heading("Pictures")
        for caption, svg in pictures.items():
            page.picture(svg, caption)
    page.heading("Caveats")
    for caveat in paper.caveats:
        page.text(caveat)
    return page.html(f"Made by im-report of imtools {__version__}. Printed figures: facts of the paper.")


def _add_table(
    page: Page, table: PaperTable, rows: Sequence[PaperRow], measured: Mapping[str, Measured]
) -> None:
    names = FIGURES | CLASS_NAMES | _LEVEL_NAMES
    head = [""]
    known = {figure for row in rows for figure in row.printed}
    for figure in table.figures:
        head += [f"{names[figure]}: printed", "ours, 95 % interval"] if figure in known else [names[figure]]
    lines: list[list[object]] = []
    for row in rows:
        key = table.per_class or table.per_level or row.key
        cells: list[object] = [row.title or row.key]
        for figure in table.figures:
            if figure in known:
                cells.append(_printed(row.printed.get(figure)))
            label = row.key if table.per_class else None
            level = int(row.key) if table.per_level else None
            cells.append(
                measured[key].cell(figure, label=label, level=level) if key in measured else "not run"
            )
        lines.append(cells)
    page.heading(table.name)
    page.text(table.about)
    page.table(head, lines)
    keys = [*table.keys, *(row.key for row in rows)]
    counts = sorted({measured[key].num_items for key in keys if key in measured})
    if counts:
        page.text(f"Ours: {' or '.join(map(str, counts))} items.", kind="note")


def _printed(values: list[float] | None) -> str:
    if not values or math.isnan(values[0]):
        return "–"
    return f"{values[0]:.3f}" + (f" ± {values[1]:.3f}" if len(values) > 1 else "")


def _add_oracles(page: Page, measured: Mapping[str, Measured]) -> None:
    """Show the F1 with thresholds chosen on the scored items, as some of the printed figures are."""
    if not measured:
        return
    page.heading("Ours with thresholds chosen on the scored items")
    page.text("A ceiling, no estimate for other items: to be compared with printed figures of that kind.")
    rows: list[list[object]] = []
    for key, scores in measured.items():
        oracles = [report.oracle for report in scores.runs]
        means = [
            sum(values) / len(values)
            for values in (
                [oracle.micro_f1 for oracle in oracles],
                [oracle.micro_f1_by_class for oracle in oracles],
                [oracle.macro_f1 for oracle in oracles],
            )
        ]
        rows.append([key, *means])
    page.table(
        ["", "F1 micro, one threshold", "F1 micro, one for each class", "F1 macro, one for each class"], rows
    )
