"""Everything that decides what a training gives, beside the records."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, get_args

from ..errors import UsageError
from ..labels import Unlisted
from ..models import DEFAULT_ARCHITECTURE
from .schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training; the defaults are Kratimenos et al. (2020), section IV-B.

    Attributes
    ----------
    architecture : str
        A key of ``models.ARCHITECTURES``.
    width : float
        Factor on the net's channels and units.
    features : str or None
        Kind of feature to train on; ``None``: that of the front end asked for, or the one kind that the
        records have.
    classes : tuple of str or None
        What to recognise; ``None``: every class that the records list, sorted.
    unlisted : {"unknown", "absent"}
        What a class is that a record does not list: left out of the loss, or a negative.
    folds : tuple of int or None
        The folds to validate on, each giving a member of the model; ``None``: all that there are.
    epochs : int
        Most epochs; the ``"decay"`` schedule usually stops before.
    batch_size : int
        Examples in a batch.
    learning_rate : float
        Of Adam, at its highest.
    schedule : {"decay", "onecycle"}
        See `imtools.train.schedule`.
    weight_decay : float
        Decoupled from the gradient (Loshchilov & Hutter 2019, "AdamW").
    mix, roll, mask : float, int, float
        See `imtools.train.augment.Augmentation`; all off by default.
    hop : float or None
        Distance between the windows in prediction, in seconds; ``None``: the window, without overlap.
    seed : int
        Of the first weights, the order of examples, dropout and augmentation.
    name : str or None
        Name of the model; ``None``: that of the architecture.
    """

    architecture: str = DEFAULT_ARCHITECTURE
    width: float = 1.0
    features: str | None = None
    classes: tuple[str, ...] | None = None
    unlisted: Unlisted = "unknown"
    folds: tuple[int, ...] | None = None
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: Schedule = "decay"
    weight_decay: float = 0.0
    mix: float = 0.0
    roll: int = 0
    mask: float = 0.0
    hop: float | None = None
    seed: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        """Check what no other module checks when it is given its part."""
        if self.epochs < 1 or self.batch_size < 2:
            what = f"{self.epochs} epochs of batches of {self.batch_size}"
            raise UsageError(f"{what} train nothing", "give at least 1 epoch and batches of 2")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise UsageError(f"a learning rate of {self.learning_rate:g} trains nothing", "try 0.0001")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise UsageError(f"a weight decay of {self.weight_decay:g} makes no sense", "give 0 or more")
        if self.schedule not in get_args(Schedule):
            raise UsageError(
                f"there is no schedule {self.schedule!r}", f"choose from {', '.join(get_args(Schedule))}"
            )
        if self.hop is not None and not self.hop > 0:
            raise UsageError(f"a hop of {self.hop:g} s makes no progress", "give one above 0")

    def to_json(self) -> dict[str, Any]:
        """Return all settings as JSON values."""
        return asdict(self)
