"""Pictures of sounds, of training and of scores: one module for each kind, from plain data to a figure.

Importing this package does not load matplotlib; its modules do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render_svg(figure: Figure) -> str:
    """Return a figure as SVG, to be embedded in a page of HTML."""
    from .render import render

    return render(figure, "svg").decode("utf-8")
