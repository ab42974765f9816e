"""Reports: one page of HTML that needs neither a network nor other files."""

from .page import Page
from .scores import scores_page

__all__ = ["Page", "scores_page"]
