"""The mixing stage: recipes in, recipes or rendered mixes out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..audio.encode import write
from ..errors import UsageError
from ..manifest import Record
from ..mix.plan import ClassPair
from ..mix.render import render
from ..run import RecordStage


def parse_pairs(text: str) -> list[ClassPair] | Literal["all"]:
    """Return the pairs in ``"cel+vio,flu+pia"``, or ``"all"``.

    Raises
    ------
    UsageError
        If a pair is not two classes joined by ``+``.
    """
    if text == "all":
        return "all"
    pairs = []
    for pair in text.split(","):
        first, plus, second = pair.strip().partition("+")
        if not (first and plus and second) or "+" in second:
            raise UsageError(f"--pairs {text}: {pair!r} is not a pair", "write pairs as cel+vio,flu+pia")
        pairs.append((first, second))
    return pairs


class MixStage(RecordStage):
    """Renders each recipe to an audio file, or hands it on where no folder is given.

    Parameters
    ----------
    folder : Path or None
        Files go to ``folder/audio``.
    fmt : str
        ``"flac"`` or ``"wav"``.
    """

    prepare_step = "render"

    def __init__(self, folder: Path | None, fmt: str) -> None:
        self._folder, self._fmt = folder, fmt

    def prepare(self, record: Record) -> list[Record]:
        """Render one mix; the record keeps its recipe and points at the file."""
        if self._folder is None:
            return [record]
        path = self._folder / "audio" / f"{record.id}.{self._fmt}"
        write(path, render(record, mono=False), record.sampling_rate, self._fmt)
        return [record.replace(audio=str(path))]
