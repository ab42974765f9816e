"""A model directory in, one file for other programs out."""

from __future__ import annotations

from dataclasses import asdict

from ...errors import UsageError
from ...export.model.onnx import check_exportable, export_onnx
from ...models.bundle import DESCRIPTION_NAME, load
from ...run import Run

ONNX_NAME = "model.onnx"


def export(run: Run, model: str, *, front_end: bool) -> None:
    """Write a model as ``model.onnx`` into the output directory of a run.

    One line goes to standard output: the file, its size and hash, its input, and how it was checked.

    Parameters
    ----------
    run : Run
        The harness.
    model : str
        The model directory.
    front_end : bool
        See `imtools.export.model.onnx.export_onnx`.

    Raises
    ------
    UsageError
        If there is no output directory, or it holds a model.
    ModelError
        If the model cannot be loaded or exported.
    """
    if run.folder is None:
        raise UsageError("an exported model needs a place", "name a directory with -o")
    if (run.folder / DESCRIPTION_NAME).exists():
        raise UsageError(f"{run.folder}: holds a model of its own", "name another directory with -o")
    loaded = load(model)
    check_exportable(loaded, front_end=front_end)
    path = run.folder / ONNX_NAME
    if run.options.dry_run:
        run.say(f"dry run: model {loaded.name} would be written to {path}")
        return
    run.start()
    with run.clock.measure("export"):
        exported = export_onnx(loaded, path, front_end=front_end)
    run.succeed()
    run.emit([{"onnx": str(path), "model": loaded.name} | asdict(exported)])
