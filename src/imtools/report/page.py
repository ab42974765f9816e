"""A page of HTML: headings, paragraphs, tables and pictures, with its style sheet included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c1c1c; --paper: #fff; --faint: #666; --line: #ccc; --bar: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #161616; --faint: #a5a5a5; --line: #444; --bar: #56b4e9; }
}
body { color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; max-width: 74rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p.note { color: var(--faint); }
p.warning { border-left: 4px solid #d55e00; padding-left: .8rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0; }
p { max-width: 62rem; }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
td small { display: block; color: var(--faint); } td { vertical-align: top; }
th { font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 4.5rem; }
th:first-child, td:first-child { text-align: left; }
td.bar { background: linear-gradient(var(--bar), var(--bar)) left bottom / var(--part) 3px no-repeat; }
figure { margin: 1rem 0; background: #fff; padding: .5rem; border-radius: 4px; display: inline-block;
  max-width: 100%; }
figure svg { max-width: 100%; height: auto; } figcaption { color: #555; font-size: .85rem; }
footer { color: var(--faint); font-size: .85rem; margin-top: 3rem; border-top: 1px solid var(--line); }
"""


class Bar(float):
    """A number from 0 to 1 that is shown with a proportional bar below it."""


class Under(NamedTuple):
    """A text, and others that are shown below it in small type."""

    text: str
    below: tuple[str, ...] = ()


class Page:
    """A page that is built from top to bottom.

    Parameters
    ----------
    title : str
        The title and first heading.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._body: list[str] = [f"<h1>{escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        """Start a section."""
        self._body.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str, *, kind: str = "") -> None:
        """Add a paragraph.

        Parameters
        ----------
        text : str
            Plain text.
        kind : {"", "note", "warning"}
            Its style.
        """
        style = f' class="{kind}"' if kind else ""
        self._body.append(f"<p{style}>{escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table.

        Parameters
        ----------
        head : sequence of str
            The names of the columns.
        rows : sequence of sequence of object
            The cells: texts as they are, `Under` as a text above others, floats with three digits, `Bar` with
            a bar, NaN as a dash.
        """
        cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
        lines = ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
        self._body.append(
            f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n<tbody>'
            + "\n".join(lines)
            + "</tbody></table></div>"
        )

    def picture(self, svg: str, caption: str) -> None:
        """Add a picture.

        Parameters
        ----------
        svg : str
            SVG, which is not escaped: it must come from this program.
        caption : str
            Plain text.
        """
        start = svg.index("<svg")  # without the XML declaration, which HTML does not allow
        self._body.append(
            f'<figure role="img" aria-label="{escape(caption)}">{svg[start:]}'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def html(self, footer: str) -> str:
        """Return the page, with ``footer`` as its last line in small type."""
        body = "\n".join(self._body)
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self._title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
            f"<footer>{escape(footer)}</footer>\n</body>\n</html>\n"
        )


def _cell(value: object) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return "<td>–</td>"
        if isinstance(value, Bar):
            return f'<td class="bar" style="--part: {100 * value:.1f}%">{value:.3f}</td>'
        return f"<td>{value:.3f}</td>"
    if isinstance(value, Under):
        below = "".join(f"<small>{escape(text)}</small>" for text in value.below)
        return f"<td>{escape(value.text)}{below}</td>"
    return f"<td>{escape(str(value))}</td>"
