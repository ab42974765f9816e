"""The nets by name. Nothing here loads torch until a net is built.

A new net is a module with a function of ``(num_classes, input_shape, width)``, and an entry in
``ARCHITECTURES``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ..choices import Strategy
from ..errors import UsageError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One net.

    Attributes
    ----------
    module, function : str
        The module, relative to this package, and its function that builds the net.
    summary : str
        One line for help texts.
    paper : str
        Authors and year.
    front_end : str
        The paper's input: a key of ``imtools.features.PRESETS``.
    strategy : {"multi-label", "single-label", "one-vs-all", "svm"}
        How the paper trains: one net with a sigmoid for each class and binary cross-entropy; one with a
        softmax over the classes and categorical cross-entropy; a net with one sigmoid for each class; or
        support vector machines, which are not a net.
    seconds : float
        Length of the clips in the paper, in seconds.
    printed : str
        The authors' own figures, and on which data.
    printed_parameters : int or None
        The number of parameters that the authors print, at 11 classes.
    note : str
        How an unclear text was interpreted, or what is counted.
    """

    module: str
    function: str = "build"
    summary: str
    paper: str
    front_end: str
    strategy: Strategy = "multi-label"
    seconds: float = 1.0
    printed: str
    printed_parameters: int | None = None
    note: str = ""


def _lumen(function: str, front_end: str, summary: str, printed: str) -> Architecture:
    return Architecture(
        module=".lumen2023",
        function=function,
        summary=summary,
        paper="Lumen 2023",
        front_end=front_end,
        strategy="single-label",
        printed=printed,
        note="LeakyReLU after the hidden dense layer, too; no batch normalisation",
    )


def _avramidis(
    function: str, summary: str, printed: str, table: int, parameters: int, note: str = ""
) -> Architecture:
    return Architecture(
        module=".avramidis2021",
        function=function,
        summary=summary,
        paper="Avramidis et al. 2021",
        front_end="avramidis2021",
        printed=f"{printed} on IRMAS (Table {table})",
        printed_parameters=parameters,
        note=note,
    )


_SKIPS_NOTE = "each skip is a max pooling and a 1x1 convolution"
_COMBINED_NOTE = f"{_SKIPS_NOTE}; GRUs of 256 and 128 units give the printed count, 128 and 64 do not"

ARCHITECTURES: dict[str, Architecture] = {
    "kratimenos2020": Architecture(
        module=".kratimenos2020",
        summary="two convolutions a block, LeakyReLU",
        paper="Kratimenos et al. 2020",
        front_end="kratimenos2020",
        printed="LRAP .767, F1 micro .616, macro .506 on IRMAS (Table III, monophonic)",
        note="Avramidis et al. 2021 print 24.3M for it; no reading of Table I on 96x87 gives that",
    ),
    "gururani2018": Architecture(
        module=".gururani2018",
        summary="one convolution a block, ELU",
        paper="Gururani et al. 2018",
        front_end="kratimenos2020",
        printed="LRAP .738, AUC .839 on IRMAS (Kratimenos et al. 2020, Table II, monophonic)",
        note="as Kratimenos et al. 2020, Table I, describe it",
    ),
    "han2017": Architecture(
        module=".han2017",
        summary="four pairs of convolutions on mel spectrograms, global max pooling",
        paper="Han et al. 2017",
        front_end="han2017",
        strategy="single-label",
        printed="F1 micro .602, macro .503 on IRMAS (Avramidis et al. 2021, Table 5)",
        note="as Lumen 2023, Table 2, describes it: sigmoids there, but categorical cross-entropy",
    ),
    "lumen2023-mel": _lumen(
        "spectrum",
        "lumen2023-mel",
        "four pairs of convolutions on mel spectrograms",
        "accuracy .900, F1 micro .625, macro .537 on IRMAS (section 4.1)",
    ),
    "lumen2023-modgd": _lumen(
        "spectrum",
        "lumen2023-modgd",
        "the same on modified group delays",
        "fused with mel: accuracy .904, F1 micro .641, macro .550 on IRMAS (section 4.2)",
    ),
    "lumen2023-chroma": _lumen(
        "chroma",
        "lumen2023-chroma",
        "three pairs of convolutions on chromagrams",
        "accuracy above .50; all three fused: .908, F1 micro .648, macro .561 on IRMAS (section 4.3)",
    ),
    "avramidis2021-bigru-128": _avramidis(
        "bigru_128",
        "one bidirectional GRU layer on the waveform, 128 units",
        "F1 micro .438, macro .374, LRAP .573",
        2,
        103_400,
    ),
    "avramidis2021-bigru-256": _avramidis(
        "bigru_256",
        "one bidirectional GRU layer on the waveform, 256 units",
        "F1 micro .435, macro .392, LRAP .585",
        2,
        403_400,
    ),
    "avramidis2021-bigru-128-64": _avramidis(
        "bigru_128_64",
        "two bidirectional GRU layers on the waveform, 128 and 64 units",
        "F1 micro .493, macro .432, LRAP .671",
        2,
        225_600,
    ),
    "avramidis2021-dcnn": _avramidis(
        "dcnn",
        "five cells of 1-D convolutions on the waveform, two dense layers",
        "F1 micro .553, macro .483, LRAP .735",
        3,
        1_140_000,
        "1024 units in the hidden dense layer give the printed count",
    ),
    "avramidis2021-fcn": _avramidis(
        "fcn",
        "the five cells, 1x1 convolution, global average pooling",
        "F1 micro .585, macro .500, LRAP .751",
        3,
        81_800,
    ),
    "avramidis2021-rfcn": _avramidis(
        "rfcn",
        "the same with two skip connections",
        "F1 micro .586, macro .502, LRAP .751",
        3,
        85_000,
        _SKIPS_NOTE,
    ),
    "avramidis2021-crnn2": _avramidis(
        "crnn2",
        "rfcn, and two bidirectional GRU layers on its second cell",
        "F1 micro .598, macro .532, LRAP .742",
        4,
        1_030_000,
        _COMBINED_NOTE,
    ),
    "avramidis2021-crnn3": _avramidis(
        "crnn3",
        "rfcn, and two bidirectional GRU layers on its third cell",
        "F1 micro .608, macro .543, LRAP .747",
        4,
        1_070_000,
        _COMBINED_NOTE,
    ),
    "avramidis2021-crnn4": _avramidis(
        "crnn4",
        "rfcn, and two bidirectional GRU layers on its fourth cell",
        "F1 micro .601, macro .537, LRAP .741",
        4,
        1_080_000,
        _COMBINED_NOTE,
    ),
    "avramidis2021-crnn5": _avramidis(
        "crnn5",
        "rfcn, and two bidirectional GRU layers on its fifth cell",
        "F1 micro .592, macro .522, LRAP .743",
        4,
        1_030_000,
        _COMBINED_NOTE,
    ),
    "chen2024": Architecture(
        module=".chen2024",
        summary="three convolutions on spectrograms, one net for each class",
        paper="Chen et al. 2024",
        front_end="chen2024",
        strategy="one-vs-all",
        seconds=4.0,
        printed="accuracy .97 on NSynth's notes (Table VI), .64 on mixes of 0 to 10 families (Fig. 6)",
        note="parameters of one of its nets",
    ),
    "vaznonis2022-lstm": Architecture(
        module=".vaznonis2022",
        function="lstm",
        summary="LSTM on the samples one by one, dense layers",
        paper="Vaznonis et al. 2022",
        front_end="avramidis2021",
        seconds=3.0,
        printed="F1 micro .38 on IRMAS, with the same answer for nearly every clip (section 5.1.1)",
        note="the text names neither rate nor normalisation of the waveform: those of Avramidis et al.",
    ),
    "vaznonis2022-fft": Architecture(
        module=".vaznonis2022",
        function="fft",
        summary="dense layers on the spectrum of the whole clip",
        paper="Vaznonis et al. 2022",
        front_end="vaznonis2022-fft",
        seconds=3.0,
        printed="F1 micro .29 on IRMAS (section 5.2.1)",
        note="clips of any length up to 20 s, padded to that",
    ),
    "bosch2012": Architecture(
        module=".bosch2012",
        summary="support vector machines on statistics of hand-crafted features",
        paper="Bosch et al. 2012",
        front_end="bosch2012",
        strategy="svm",
        seconds=3.0,
        printed="F1 micro .378, with stereo streams .451, with source separation .503 on IRMAS",
        note="as Vaznonis et al. 2022, section 2.1.1, describe it; no net, so no parameters",
    ),
    "imtools2026": Architecture(
        module=".imtools2026",
        summary="convolutions on mel spectrograms, with the position of each band",
        paper="imtools 2026",
        front_end="irmas-mel",
        seconds=3.0,
        printed="see Results in the README",
        note="our own: trains fast on a CPU and generalises to other recordings",
    ),
}
"""Every net, by name."""

DEFAULT_ARCHITECTURE = "kratimenos2020"


def build(name: str, *, num_classes: int, input_shape: tuple[int, int], width: float = 1.0) -> nn.Module:
    """Build a net with new weights.

    Parameters
    ----------
    name : str
        A key of ``ARCHITECTURES``.
    num_classes : int
        Number of outputs.
    input_shape : tuple of int
        ``(bins, frames)`` of the features.
    width : float
        Factor on all channels and units; 1 is the paper's net.

    Returns
    -------
    nn.Module
        Features (batch, bins, frames) in, logits (batch, num_classes) out.

    Raises
    ------
    UsageError
        If there is no such net, or the width is not above 0.
    ModelError
        If features of that shape are too small for the net, or of the wrong kind.
    """
    if name not in ARCHITECTURES:
        raise UsageError(f"there is no model {name!r}", f"choose from {', '.join(ARCHITECTURES)}")
    if not 0 < width < math.inf:
        raise UsageError(f"a width of {width:g} is not possible", "choose one above 0; 1 is the paper's")
    architecture = ARCHITECTURES[name]
    function = getattr(import_module(architecture.module, __package__), architecture.function)
    return cast("nn.Module", function(num_classes, input_shape, width))
