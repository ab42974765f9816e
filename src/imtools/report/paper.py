"""The report of a paper's experiment: its printed figures, ours beside them, and what to mind."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from .. import __version__
from ..errors import UsageError
from ..manifest.values import Json
from ..plot.scores import read_rows
from ..score.names import CLASS_NAMES, FIGURES
from .page import Page, Under

PAPERS = ("kratimenos2020", "chen2024", "lumen2023", "avramidis2021", "vaznonis2022")
"""The papers whose figures are known here."""

_LEVEL_NAMES = {"iou": "intersection over union", "emr": "exact match ratio"}


@dataclass(frozen=True)
class PaperRow:
    """A row of a printed table.

    Attributes
    ----------
    key : str
        What our scores for it are called; of a table by class or level, that class or level.
    title : str
        What it is.
    printed : dict of str to list of float
        By figure: the value, and its deviation where there is one.
    """

    key: str
    title: str = ""
    printed: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A printed table, or the figures of a section.

    Attributes
    ----------
    name, about : str
        What it is called in the paper, and what is in it.
    figures : list of str
        Which columns to show: keys of `imtools.score.names.FIGURES`, or of those of classes or levels.
    rows : list of PaperRow
        Its rows.
    per_class, per_level : str or None
        The rows are the classes, or the levels of polyphony, of the scores of this key.
    others : bool
        Whether our scores that no row speaks of are shown here.
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
        """Which scores it shows."""
        own = self.per_class or self.per_level
        return [row.key for row in self.rows] if own is None else [own]


@dataclass(frozen=True)
class Paper:
    """What a paper prints.

    Attributes
    ----------
    title, data : str
        What it is, and what its figures are of.
    tables : list of Table
        Its figures.
    traps : list of str
        What to mind in comparing them.
    """

    title: str
    data: str
    tables: list[Table]
    traps: list[str]

    @property
    def keys(self) -> list[str]:
        """What our scores may be called, in the order of the tables."""
        return list(dict.fromkeys(key for table in self.tables for key in table.keys))

    @property
    def takes_others(self) -> bool:
        """Whether scores of other names have a place, too."""
        return any(table.others for table in self.tables)


def paper(name: str) -> Paper:
    """Return what a paper prints.

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
        Table(**table | {"rows": [PaperRow(**row) for row in table["rows"]]})
        for table in content.pop("tables")
    ]
    return Paper(**content, tables=tables)


@dataclass(frozen=True)
class Ours:
    """Our scores for one row: of one run, or of several with different seeds.

    Attributes
    ----------
    runs : list of (dict, list of dict)
        Of each run the first line of the score file, and those of the classes.
    """

    runs: list[tuple[dict[str, Json], list[dict[str, Json]]]]

    @classmethod
    def read(cls, paths: Sequence[str]) -> Ours:
        """Read the score files of im-score, one for each seed.

        Raises
        ------
        ManifestError
            If a file cannot be read or is no score file.
        UsageError
            If a file has the scores of several models.
        """
        runs = []
        for path in paths:
            rows = [value for _, value in read_rows(path)]
            heads = [row for row in rows if isinstance(row, dict) and row.get("label", 0) is None]
            if len(heads) != 1 or "lrap" not in heads[0]:
                hint = "give one file of im-score --format jsonl for each model"
                raise UsageError(f"{path}: holds the scores of {len(heads)} models", hint)
            runs.append((heads[0], [row for row in rows if row is not heads[0]]))
        return cls(runs)

    @property
    def items(self) -> int:
        """How many items were judged."""
        return int(self.runs[0][0]["num_items"])

    @property
    def labels(self) -> list[str]:
        """The classes that were judged."""
        return [str(row["label"]) for row in self.runs[0][1]]

    def cell(self, figure: str, *, label: str | None = None, level: int | None = None) -> Under:
        """Return value and interval.

        The value is the mean over the runs. Below it stand the least and the greatest where there are
        several, of one run with folds mean and deviation over these, and the interval: what those of all runs
        span.
        """
        found = [_figure(head, classes, figure, label, level) for head, classes in self.runs]
        values = [value for value, _ in found if value is not None]
        if not values:
            return Under("–")
        below = []
        if len(values) > 1:
            below.append(f"runs {min(values):.3f} to {max(values):.3f}")
        elif label is None and level is None:
            overall = (self.runs[0][0].get("folds") or {}).get("overall", {})
            mean, deviation = overall.get(figure) or (None, None)
            below += [] if mean is None else [f"folds {mean:.3f} ± {deviation:.3f}"]
        spans = [span for _, span in found if span and None not in span]
        if spans:
            below.append(f"{min(span[0] for span in spans):.3f} to {max(span[1] for span in spans):.3f}")
        return Under(f"{sum(values) / len(values):.3f}", tuple(below))


def _figure(
    head: dict[str, Json], classes: list[dict[str, Json]], figure: str, label: str | None, level: int | None
) -> tuple[float | None, list[Any] | None]:
    """Return a figure of one run, and its interval where there is one."""
    if label is not None:
        row = next((one for one in classes if one.get("label") == label), {})
        return row.get(figure), (row.get("intervals") or {}).get(figure)
    if level is not None:
        row = next((one for one in head["levels"] if one["polyphony"] == level), {})
        return row.get(figure), None
    decisions = head["decisions"]
    flat = head | decisions | {
        f"{name}_{kind}": value for kind in ("micro", "macro") for name, value in decisions[kind].items()
    }  # fmt: skip
    return flat.get(figure), (head["intervals"] or {}).get(figure)


def paper_page(
    printed: Paper, ours: Mapping[str, Ours], *, notes: Sequence[str] = (), pictures: Mapping[str, str] = {}
) -> str:
    """Return printed figures and ours as one page of HTML.

    Parameters
    ----------
    printed : Paper
        What the paper prints.
    ours : mapping of str to Ours
        By key; what has not been run has none.
    notes : sequence of str
        What to say about this run, at the top.
    pictures : mapping of str to str
        SVG by caption.

    Raises
    ------
    UsageError
        If scores have a name that no table has a place for.
    """
    if (foreign := [key for key in ours if key not in printed.keys]) and not printed.takes_others:
        hint = f"choose from {', '.join(printed.keys)}"
        raise UsageError(f"no table has a row {foreign[0]!r}", hint)
    page = Page(printed.title)
    page.text(printed.data)
    for note in notes:
        page.text(note, kind="warning")
    for table in printed.tables:
        others = [PaperRow(key, key) for key in foreign] if table.others else []
        if table.per_class is not None and table.per_class in ours:
            named = {row.key for row in table.rows}
            others += [PaperRow(label) for label in ours[table.per_class].labels if label not in named]
        _add_table(page, table, [*table.rows, *others], ours)
    _add_oracles(page, ours)
    if pictures:
        page.heading("Pictures")
        for caption, svg in pictures.items():
            page.picture(svg, caption)
    page.heading("What to mind in comparing")
    for trap in printed.traps:
        page.text(trap)
    return page.html(f"Made by im-report of imtools {__version__}. Printed figures: facts of the paper.")


def _add_table(page: Page, table: Table, rows: Sequence[PaperRow], ours: Mapping[str, Ours]) -> None:
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
            cells.append(ours[key].cell(figure, label=label, level=level) if key in ours else "not run")
        lines.append(cells)
    page.heading(table.name)
    page.text(table.about)
    page.table(head, lines)
    counts = sorted({ours[key].items for key in [*table.keys, *(row.key for row in rows)] if key in ours})
    if counts:
        page.text(f"Ours: {' or '.join(map(str, counts))} items.", kind="note")


def _printed(values: list[float] | None) -> str:
    if not values or math.isnan(values[0]):
        return "–"
    return f"{values[0]:.3f}" + (f" ± {values[1]:.3f}" if len(values) > 1 else "")


def _add_oracles(page: Page, ours: Mapping[str, Ours]) -> None:
    """Show what F1 would be with thresholds chosen on the very items, as some of the printed figures are."""
    if not ours:
        return
    page.heading("Ours with thresholds chosen on the judged items")
    page.text(
        "A ceiling, and no estimate for other items: printed figures of that kind are to be held against it."
    )
    rows = []
    for key, one in ours.items():
        best = [head["oracle"] for head, _ in one.runs]
        means = [
            sum(values) / len(values) if None not in values else math.nan
            for values in (
                [row[name] for row in best] for name in ("micro_f1", "micro_f1_by_class", "macro_f1")
            )
        ]
        rows.append([key, *means])
    page.table(
        ["", "F1 micro, one threshold", "F1 micro, one for each class", "F1 macro, one for each class"], rows
    )
