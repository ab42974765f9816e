"""The report of a paper's experiment: score files in, one page of HTML out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ..atomic import write_text
from ..errors import ManifestError, UsageError
from ..report.paper import Measured, load_paper, paper_page
from ..run import Run
from ..run.journal import claim_file


def report(
    run: Run,
    name: str,
    scores: Sequence[str],
    *,
    path: str,
    notes: Sequence[str],
    pictures: Sequence[str],
) -> None:
    """Write the report of a paper's experiment.

    Parameters
    ----------
    run : Run
        The harness.
    name : str
        The paper.
    scores : sequence of str
        ``"KEY=FILE"``: score files; a key may have several, one for each seed.
    path : str
        The page to write.
    notes : sequence of str
        Notes about this run, for the top of the page.
    pictures : sequence of str
        ``"FILE.svg=CAPTION"``.

    Raises
    ------
    UsageError
        If an argument has no name, or one that is in no table of the paper.
    ManifestError
        If a file cannot be read.
    """
    paper = load_paper(name)
    files: dict[str, list[str]] = {}
    for key, file in (_parts(text, "KEY=FILE") for text in scores):
        files.setdefault(key, []).append(file)
    drawn = {caption: _svg(file) for file, caption in (_parts(text, "FILE.svg=CAPTION") for text in pictures)}
    with run.clock.measure("read"):
        measured = {key: Measured.read(paths) for key, paths in files.items()}
    html = paper_page(paper, measured, notes=notes, pictures=drawn)
    claim_file(path, force=run.options.force)
    if run.options.dry_run:
        run.say(f"dry run: a report on {len(measured)} of {len(paper.keys)} rows would be written to {path}")
        return
    run.start()
    write_text(path, html)
    for _ in scores:
        run.succeed()
    data = html.encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    missing = [key for key in paper.keys if key not in measured]
    run.emit([{"report": path, "paper": name, "missing": missing, "bytes": len(data), "sha256": digest}])


def _parts(text: str, form: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (name and mark and value):
        raise UsageError(f"{text!r} is not {form}", "name it, as in mono=scores.jsonl")
    return name, value


def _svg(file: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ManifestError(f"{file}: cannot be read ({why})", "draw it with im-plot -o FILE.svg") from None
    if "<svg" not in text:
        raise ManifestError(f"{file}: is no SVG", "draw it with im-plot -o FILE.svg")
    return text
