"""The kinds of export of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..app import tool

if TYPE_CHECKING:
    from ...run import Run


@tool(
    "im-export onnx",
    output="The directory to write model.onnx into (required).",
    inputs=False,
    own_output=True,
    content={"model": "model.json"},
    epilog="""
im-export onnx -m model/ -o exported/
im-export onnx -m model/ --front-end -o exported/""",
)
@click.option("-m", "--model", required=True, metavar="DIR", help="The model directory, or bundled.")
@click.option(
    "--front-end", is_flag=True, help="Include the front end: take the waveform instead of its features."
)
def onnx(run: Run, model: str, front_end: bool) -> None:
    """Write a trained model as one ONNX file, which needs neither Python nor imtools.

    The file maps features (batch, bins, frames), or with --front-end waveforms (batch, samples) of one
    window, to the scores of the classes (batch, classes). Its metadata name the labels, their thresholds,
    sampling rate, window and front end.

    The file is run and compared with the model; it is not kept if a score differs by more than 1e-4.
    This needs the packages onnx and onnxruntime: pip install 'imtools[onnx]'.
    """
    from ...stages.export.model import export

    export(run, model, front_end=front_end)
