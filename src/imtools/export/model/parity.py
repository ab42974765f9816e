"""Checking that an exported file computes the scores of the model."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...arrays import Float32Array
from ...errors import ModelError

TOLERANCE = 1e-4
"""Maximum difference of a score that counts as rounding."""

_BATCHES = (1, 3)


def compare(path: Path, module: nn.Module, inputs: Sequence[Tensor]) -> tuple[str, float]:
    """Run a file and the module that it was made from on the same inputs.

    Parameters
    ----------
    path : Path
        The ONNX file: one input, one output.
    module : nn.Module
        In float32, on the CPU.
    inputs : sequence of Tensor
        Batches of the file's input.

    Returns
    -------
    evaluator : str
        The runtime, with its version: onnxruntime, or onnx's own evaluator where that is not installed.
    difference : float
        The maximum absolute difference over all scores.

    Raises
    ------
    ModelError
        If the file does not run, or a score differs by more than ``TOLERANCE``.
    """
    hint = "report it, with the model's model.json"
    evaluator, run = _evaluator(path, hint)
    difference = 0.0
    for batch in inputs:
        with torch.inference_mode():
            expected = module(batch).numpy()
        try:
            found = run(batch.numpy())
        except Exception as error:
            raise ModelError(
                f"{evaluator} cannot run the exported model ({_first_line(error)})", hint
            ) from None
        if found.shape != expected.shape:
            shapes = f"{found.shape} instead of {expected.shape}"
            raise ModelError(f"the exported model gives scores of shape {shapes} in {evaluator}", hint)
        # A NaN on either side is a difference too: max() would ignore it.
        difference = float(np.maximum(difference, np.abs(found - expected).max()))
    if not difference <= TOLERANCE:
        raise ModelError(
            f"the exported model's scores differ by {difference:.2g} in {evaluator} (at most {TOLERANCE:g})",
            hint,
        )
    return evaluator, difference


def _evaluator(path: Path, hint: str) -> tuple[str, Callable[[Float32Array], Float32Array]]:
    """Return the runtime of a file: its name, and a function from the input to the output."""
    if importlib.util.find_spec("onnxruntime") is None:
        onnx = importlib.import_module("onnx")
        session: Any = importlib.import_module("onnx.reference").ReferenceEvaluator(str(path))
        name, (given,) = f"onnx {onnx.__version__}", session.input_names
    else:
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # the exception reports what is wrong
        name = f"onnxruntime {runtime.__version__}"
        try:
            session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{name} cannot load the exported model ({_first_line(error)})", hint) from None
        given = session.get_inputs()[0].name
    return name, lambda batch: session.run(None, {given: batch})[0]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def feature_batches(shape: tuple[int, int], mean: float, std: float) -> list[Tensor]:
    """Return batches of features: a single one, and three of very different spread.

    Parameters
    ----------
    shape : tuple of int
        Bins and frames.
    mean, std : float
        Those of the features that the model was trained on.

    Returns
    -------
    list of Tensor, shape (batch, bins, frames), float32
    """
    random = torch.Generator().manual_seed(0)
    spread = torch.tensor([1.0, 0.0, 3.0])[:, None, None]
    return [
        mean + std * spread[:size] * torch.randn(size, *shape, generator=random, dtype=torch.float32)
        for size in _BATCHES
    ]


def waveform_batches(num_samples: int) -> list[Tensor]:
    """Return batches of waveforms (batch, samples): noise; then noise, silence, and a tone in soft noise."""
    random = torch.Generator().manual_seed(0)
    batches = [torch.randn(size, num_samples, generator=random) / 10 for size in _BATCHES]
    batches[1][1] = 0
    batches[1][2] = batches[1][2] / 10 + 0.3 * torch.sin(0.1 * torch.arange(num_samples))
    return batches
