"""The complete settings of a training: with the records, they decide its result."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ...choices import (
    AGGREGATIONS,
    KEPT_EPOCHS,
    STRATEGIES,
    Aggregation,
    Keep,
    ScheduleKind,
    Strategy,
    Unlisted,
)
from ...errors import UsageError
from ...models import DEFAULT_ARCHITECTURE
from .augment import BatchAugmentation
from .schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a training.

    `imtools.train.protocol.papers` has those of every paper; the defaults here are no paper's.

    Attributes
    ----------
    architecture : str
        A key of ``models.ARCHITECTURES``.
    width : float
        Factor on the net's channels and units.
    strategy : {"multi-label", "single-label", "one-vs-all", "svm"}
        One net with a sigmoid for each class; one net with a softmax over the classes; a net with one
        output for each class, which trains and stops independently; support vectors.
    features : str or None
        Kind of feature to train on; ``None``: that of the front end that is named, or the only kind that
        the records have.
    classes : tuple of str or None
        Classes to recognise; ``None``: every class that the records list, sorted.
    unlisted : {"unknown", "absent"}
        How a class counts that a record does not list: it is left out of the loss, or a negative.
    folds : tuple of int or None
        The folds to validate on, each giving a member of the model; ``None``: all folds.
    division : float
        How records with neither folds nor splits are divided: into this many folds or, below 1, by holding
        out this part.
    epochs : int
        Maximum number of epochs; the ``"decay"`` schedule usually stops before.
    batch_size : int
        Examples in a batch, of all processes together.
    learning_rate, schedule, decay, reduce_patience, reduce_factor, stop_patience, warm_up
        See `Schedule`.
    stop_precision : float
        One-vs-all: a net is done when its precision and its accuracy on the validation records have reached
        this (Chen et al. 2024, section V-A); 0: never.
    weight_decay : float
        Decoupled from the gradient (Loshchilov & Hutter 2019, "AdamW"); 0 is Adam.
    clip : float
        Largest norm of the gradient of a net (gradients of recurrent nets can explode); 0: no limit.
    listwise : float
        Multi-label: weight of a loss that compares the classes of an example, added to the binary losses; see
        `imtools.train.protocol.losses.with_listwise`.
    class_weights : bool
        Weigh classes such that rare ones count as much as frequent ones.
    negatives : float or None
        One-vs-all: negatives for each positive that a net is trained on in an epoch, drawn anew each time;
        ``None``: all.
    ema : float
        Validate and keep a moving average of the weights with this decay instead of the weights; 0: do not.
    mix, voices, crop, shift, equalize, roll, mask, mixup
        See `BatchAugmentation`; all off by default.
    keep : {"best", "last"}
        The epoch whose weights are kept: that with the lowest validation loss, or the last. With the last,
        the validation records have had no influence, so metrics on them are unbiased.
    compile : bool
        Let torch compile the nets.
    aggregation : {"mean", "top-quarter", "logit-mean", "s2", "max"}
        Prediction: how the scores of windows are combined; see `imtools.aggregation`.
    stereo : bool
        Prediction: whether left, right, middle and side of a recording are scored separately.
    hop : float or None
        Prediction: distance between windows in seconds; ``None``: the window, without overlap.
    seed : int
        Seed of the initial weights, the order of examples, dropout and augmentation.
    name : str or None
        Name of the model; ``None``: that of the architecture.
    """

    architecture: str = DEFAULT_ARCHITECTURE
    width: float = 1.0
    strategy: Strategy = "multi-label"
    features: str | None = None
    classes: tuple[str, ...] | None = None
    unlisted: Unlisted = "unknown"
    folds: tuple[int, ...] | None = None
    division: float = 0.1
    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-4
    schedule: ScheduleKind = "decay"
    decay: float = 0.9
    reduce_patience: int = 5
    reduce_factor: float = 0.1
    stop_patience: int = 7
    stop_precision: float = 0.0
    warm_up: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0
    listwise: float = 0.0
    class_weights: bool = False
    negatives: float | None = None
    ema: float = 0.0
    mix: float = 0.0
    voices: int = 2
    crop: float = 0.0
    shift: bool = False
    equalize: float = 0.0
    roll: int = 0
    mask: float = 0.0
    mixup: float = 0.0
    keep: Keep = "best"
    compile: bool = False
    aggregation: Aggregation = "mean"
    stereo: bool = False
    hop: float | None = None
    seed: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the values that no other module checks."""
        if self.batch_size < 2:
            raise UsageError(f"a batch of {self.batch_size} is too small", "choose at least 2")
        for what, value in (
            ("weight decay", self.weight_decay),
            ("division", self.division),
            ("norm", self.clip),
            ("listwise loss", self.listwise),
        ):
            if not 0 <= value < float("inf"):
                raise UsageError(f"a {what} of {value:g} makes no sense", "give 0 or more")
        if self.division == 0 or 1 <= self.division < 2 or (self.division > 1 and self.division % 1):
            hint = "give a number of folds from 2, or the part to hold out"
            raise UsageError(f"a division of {self.division:g} makes no sense", hint)
        if not 0 <= self.ema < 1:
            raise UsageError(f"a moving average with decay {self.ema:g} makes no sense", "try 0.999")
        if self.negatives is not None and not self.negatives > 0:
            raise UsageError(f"{self.negatives:g} negatives for each positive cannot be drawn", "try 1")
        if self.negatives is not None and self.class_weights:
            hint = "choose one: both balance rare and frequent classes"
            raise UsageError("`negatives` and `class_weights` do not go together", hint)
        if not 0 <= self.stop_precision <= 1:
            hint = "choose one up to 1, or 0 for never"
            raise UsageError(f"a precision of {self.stop_precision:g} cannot be reached", hint)
        for word, choices in (
            (self.strategy, STRATEGIES),
            (self.aggregation, AGGREGATIONS),
            (self.keep, KEPT_EPOCHS),
        ):
            if word not in choices:
                raise UsageError(f"there is no {word!r}", f"choose from {', '.join(choices)}")
        if (self.architecture == "bosch2012") != (self.strategy == "svm"):
            what = f"model {self.architecture!r} and strategy {self.strategy!r} do not go together"
            raise UsageError(what, "strategy 'svm' is that of bosch2012, and only its")
        if self.strategy == "svm" and self.width != 1:
            raise UsageError(f"support vector machines have no width: {self.width:g}", "leave it 1")
        if self.hop is not None and not 0 < self.hop < float("inf"):
            raise UsageError(f"a hop of {self.hop:g} s makes no progress", "give one above 0")
        for name in ((self.name or "-"), *(self.classes or ())):
            if not name or not name.isprintable():
                raise UsageError(
                    f"the name {name!r} is empty or has characters that cannot be printed",
                    "give one of printable characters",
                )
        self._check_meaning()
        self.plan()
        self.augmentation()

    def _check_meaning(self) -> None:
        """Refuse what would have no effect: the card would list it as if it had one."""
        without = [] if self.strategy == "one-vs-all" else ["negatives", "stop_precision"]
        without += [] if self.strategy == "multi-label" else ["listwise"]
        if self.strategy == "svm":
            without += ["clip", "class_weights", "ema", "compile"]
            without += ["mix", "crop", "shift", "equalize", "roll", "mask", "mixup"]
        if self.voices != 2 and not self.mix:
            raise UsageError(
                f"{self.voices} voices have no meaning without mixing", "give `mix` a probability"
            )
        for name in without:
            if getattr(self, name):
                what = f"`{name}` has no meaning with strategy {self.strategy!r}"
                raise UsageError(what, "leave it out")

    def plan(self) -> Schedule:
        """Return the learning rates and when to stop."""
        return Schedule(
            kind=self.schedule,
            peak=self.learning_rate,
            epochs=self.epochs,
            decay=self.decay,
            reduce_patience=self.reduce_patience,
            reduce_factor=self.reduce_factor,
            stop_patience=self.stop_patience,
            warm_up=self.warm_up,
        )

    def augmentation(self) -> BatchAugmentation:
        """Return how examples are changed."""
        names = (field.name for field in fields(BatchAugmentation))
        return BatchAugmentation(**{name: getattr(self, name) for name in names})

    def to_json(self) -> dict[str, Any]:
        """Return all settings as JSON values."""
        return asdict(self)
