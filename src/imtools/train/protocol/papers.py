"""How each paper trained its models, as fields of `TrainConfig`.

``STATED`` holds what a paper states, with the place; what it does not state is our choice.
"""

from __future__ import annotations

from typing import Any

from ...errors import UsageError

STATED: dict[str, dict[str, Any]] = {
    "kratimenos2020": {
        "strategy": "multi-label",  # IV-B: binary cross-entropy, sigmoids
        "division": 5.0,  # IV-A
        "batch_size": 128,  # IV-B, and so all up to the patience
        "learning_rate": 1e-4,
        "schedule": "decay",
        "decay": 0.9,
        "reduce_patience": 5,
        "stop_patience": 7,
        "aggregation": "mean",  # IV-C
    },
    # All as Lumen (2023), 2.1, reports it.
    "han2017": {
        # Categorical cross-entropy, although table 2 ends with sigmoids: the loss decides here.
        "strategy": "single-label",
        "division": 0.15,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "stop_patience": 3,  # more than two epochs without a lower loss
        "aggregation": "s2",
    },
    "lumen2023": {
        "strategy": "single-label",  # 3.2 and 3.3: softmax, categorical cross-entropy
        "division": 0.15,  # 3.1.1
        "batch_size": 128,  # 3.3, and so all that follows
        "learning_rate": 1e-3,
        "stop_patience": 0,
        "keep": "best",  # usually about the 20th
    },
    # All 4.1, but for the aggregation: 4.2.
    "avramidis2021": {
        "strategy": "multi-label",
        "division": 5.0,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "schedule": "decay",
        "decay": 1.0,  # 10 % less after 4 epochs without a better loss, nothing else
        "reduce_patience": 4,
        "reduce_factor": 0.9,
        "stop_patience": 7,
        "aggregation": "mean",
        "stereo": False,
    },
    "chen2024": {
        "strategy": "one-vs-all",  # IV-B
        "division": 0.2,  # table III
        "epochs": 1000,  # V-A
        "stop_precision": 0.98,  # V-A
    },
    "vaznonis2022-lstm": {
        # 3.3.2 mentions categorical cross-entropy, but 3.2.2 and 4.1.2 several classes by independent
        # sigmoids; and their net predicts five classes at once (5.1.1).
        "strategy": "multi-label",
        "epochs": 15,  # 5.1.2
        "batch_size": 2,  # 5.1.2
    },
    "vaznonis2022-fft": {
        "strategy": "multi-label",  # as for the LSTM; 4.2.2
        "batch_size": 4,  # 5.2.2
        "learning_rate": 1e-4,  # 5.2.2
    },
    "bosch2012": {
        "strategy": "svm",  # Vaznonis et al., 2.1.1, and so the streams
        "stereo": True,
    },
    # No paper: found by trying.
    "imtools2026": {
        "strategy": "multi-label",
        "division": 0.1,
        "epochs": 46,
        "batch_size": 32,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "weight_decay": 0.05,
    },
}
"""What the papers state, by paper."""

# Kratimenos et al. train the net of Gururani et al. in the same way (IV-B).
STATED["gururani2018"] = STATED["kratimenos2020"]

_SILENT: dict[str, Any] = {
    "division": 0.1,
    "epochs": 100,  # for trainings that the loss stops, long before
    "batch_size": 128,
    "learning_rate": 1e-3,  # what Adam's authors propose
    # A constant rate to the last epoch, whose weights are kept: nothing that the paper does not mention.
    "keep": "last",
    "schedule": "decay",
    "decay": 1.0,
    "reduce_patience": 0,
    "reduce_factor": 0.1,
    "stop_patience": 0,
    "stop_precision": 0.0,
    "weight_decay": 0.0,
    "warm_up": 0.0,
    "aggregation": "mean",
    "stereo": False,
}
"""Values where a paper states nothing: our choice."""

# With early stopping by the validation loss, the epoch with the lowest loss is kept.
_KEEP_BEST = {"keep": "best"}

_CHOSEN: dict[str, dict[str, Any]] = {
    "kratimenos2020": _KEEP_BEST,
    "gururani2018": _KEEP_BEST,
    "han2017": _KEEP_BEST,
    "avramidis2021": _KEEP_BEST,
    # Twice the 20 epochs after which the loss was lowest.
    "lumen2023": {"epochs": 40},
    # The rate that they found for their other net.
    "vaznonis2022-lstm": {"learning_rate": 1e-4},
    # Scores plateau after 75 epochs, but were worse with 75 than with the number used, not stated (5.2.2).
    "vaznonis2022-fft": {"epochs": 150},
    # Support vectors have neither epochs nor batches: one pass over everything.
    "bosch2012": {"epochs": 1},
}
"""Our other choices where a paper states nothing."""

PROTOCOLS: dict[str, dict[str, Any]] = {
    paper: _SILENT | _CHOSEN.get(paper, {}) | stated for paper, stated in STATED.items()
}
"""The complete protocol of each paper: the same fields of `TrainConfig` for all."""


def protocol_of(architecture: str) -> dict[str, Any]:
    """Return the protocol of the paper that an architecture is from.

    Parameters
    ----------
    architecture : str
        A key of ``models.ARCHITECTURES``: a key of ``PROTOCOLS``, which a hyphen and a variant may follow.

    Returns
    -------
    dict
        Fields of `TrainConfig`; a copy.

    Raises
    ------
    UsageError
        If no paper is known for it.
    """
    fitting = [paper for paper in PROTOCOLS if f"{architecture}-".startswith(f"{paper}-")]
    if not fitting:
        raise UsageError(f"there is no protocol for {architecture!r}", f"choose from {', '.join(PROTOCOLS)}")
    return dict(PROTOCOLS[max(fitting, key=len)])
