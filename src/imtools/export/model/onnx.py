"""Models as ONNX files: each maps features, or a waveform, to scores."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ... import __version__
from ...atomic import replacing
from ...errors import ModelError
from ...features.front_ends.base import FrontEnd
from ...models.bundle import TrainedModel
from .parity import compare, feature_batches, waveform_batches
from .tracing import Traceable

OPSET = 17
"""Version of the ONNX operators: from 2022, so that older programs understand the files too."""

MAX_FILE_BYTES = 2**31 - 2**24
"""Bytes of weights that one ONNX file can hold, less what the graph itself takes."""

_WITHOUT = "export without `front_end`, and compute the features with imtools"


@dataclass(frozen=True)
class Exported:
    """The written file, and how it was checked.

    Attributes
    ----------
    bytes : int
        Size of the file.
    sha256 : str
        Its hash.
    input : str
        Name of its input: ``"features"`` or ``"waveforms"``.
    shape : tuple of int
        Of one input: (bins, frames) or (samples,).
    checked_with : str
        The runtime that ran it, with its version.
    difference : float
        Maximum difference of a score from the model's own.
    """

    bytes: int
    sha256: str
    input: str
    shape: tuple[int, ...]
    checked_with: str
    difference: float


def check_exportable(model: TrainedModel, *, front_end: bool) -> None:
    """Raise ModelError if a model cannot be exported for an obvious reason; see `export_onnx`.

    Parameters
    ----------
    model : TrainedModel
        The model.
    front_end : bool
        Whether the front end is to be included.
    """
    if importlib.util.find_spec("onnx") is None:
        raise ModelError("writing ONNX needs the package onnx", "run: pip install 'imtools[onnx]'")
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.scorer.state_dict().values())
    if size > MAX_FILE_BYTES:
        raise ModelError(
            f"model {model.name}: {size / 1e9:.1f} GB of weights do not fit into one ONNX file (2 GB)",
            "export fewer members: train fewer folds, or a narrower net",
        )
    if front_end and (made := model.description.build_front_end()).reach is None:
        raise ModelError(
            f"front end {made.kind!r}: a Fourier transform of the whole clip cannot be exported", _WITHOUT
        )


def export_onnx(model: TrainedModel, path: str | os.PathLike[str], *, front_end: bool = False) -> Exported:
    """Write a model as one ONNX file, which is kept only if its scores are those of the model.

    The graph maps ``features`` (batch, bins, frames), or ``waveforms`` (batch, samples) of one window at
    the model's rate, to ``scores`` (batch, classes); all float32, any batch. It holds standardisation, all
    members, their activations and their mean. The mean over the windows of a recording is left to its user;
    the parameters for it are in the metadata of the file, values in JSON: model, labels, thresholds,
    strategy, aggregation, sampling_rate, window and hop (s), front_end, front_end_hash, input, imtools.

    Parameters
    ----------
    model : TrainedModel
        On the CPU, in float32.
    path : path
        The file; replaced if it exists.
    front_end : bool
        Include the front end, so that the input is the waveform.

    Returns
    -------
    Exported
        Size, hash, and the maximum difference from the model's own scores.

    Raises
    ------
    ModelError
        If the package onnx is missing, the weights are too many for one file, the net or the front end
        cannot be exported (naming it), or the file's scores differ from the model's by more than 1e-4.
    """
    check_exportable(model, front_end=front_end)
    description = model.description
    plain: nn.Module = model.scorer
    module: FrontEnd | None = None
    first = description.members[0]
    batches = feature_batches(description.shape, first.mean, first.std)
    given = "features"
    if front_end:
        module = description.build_front_end()
        plain = nn.Sequential(module, model.scorer)
        batches, given = waveform_batches(description.window_samples), "waveforms"
    with replacing(path) as temporary:
        try:
            _trace(Traceable(model.scorer, module).eval(), batches[1][:2], given, temporary)
        except (RuntimeError, TypeError, ValueError, AssertionError, AttributeError) as error:
            kind = f" with front end {description.front_end['kind']!r}" if front_end else ""
            reason = str(error).strip().partition("\n")[0]
            raise ModelError(
                f"net {description.architecture!r}{kind} cannot be exported ({reason})",
                _WITHOUT if front_end else "choose another net",
            ) from error
        content = _with_metadata(temporary.read_bytes(), _metadata(model, given))
        temporary.write_bytes(content)
        try:
            checked_with, difference = compare(temporary, plain, batches)
        except ModelError as error:
            raise ModelError(f"{Path(path)}: not written: {error.message}", error.hint) from None
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Exported(len(content), digest, given, tuple(batches[0].shape[1:]), checked_with, difference)


@torch.inference_mode()
def _trace(module: nn.Module, example: Tensor, given: str, path: Path) -> None:
    """Write the graph of a module, traced with a batch of its input."""
    with warnings.catch_warnings():
        # About shapes that tracing makes constants: all but the batch size are; other sizes are compared.
        warnings.simplefilter("ignore")
        # Not the exporter based on torch.export: it unrolls recurrent nets, which takes minutes for each.
        torch.onnx.export(
            module,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[given],
            output_names=["scores"],
            dynamic_axes={given: {0: "batch"}, "scores": {0: "batch"}},
        )


def _metadata(model: TrainedModel, given: str) -> dict[str, Any]:
    description = model.description
    return {
        "model": model.name,
        "labels": description.labels,
        "thresholds": description.thresholds,
        "strategy": description.strategy,
        "aggregation": description.aggregation,
        "stereo": description.stereo,
        "sampling_rate": description.sampling_rate,
        "window": description.window,
        "hop": description.hop,
        "front_end": description.front_end,
        "front_end_hash": description.front_end_hash,
        "input": given,
        "imtools": __version__,
    }


def _with_metadata(content: bytes, metadata: dict[str, Any]) -> bytes:
    onnx = importlib.import_module("onnx")
    proto = onnx.load_model_from_string(content)
    proto.producer_name, proto.producer_version = "imtools", __version__
    onnx.helper.set_model_props(
        proto, {key: json.dumps(value, allow_nan=False) for key, value in metadata.items()}
    )
    serialized: bytes = proto.SerializeToString(deterministic=True)
    return serialized
