"""What a training will do, decided and checked before anything is computed or written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from ..choices import Unlisted
from ..errors import FeatureError, ModelError, UsageError
from ..features.front_ends.base import FrontEnd
from ..labels import classes_of, label_matrix
from ..manifest import Record
from ..models import build
from ..units import samples_to_seconds
from .examples.checks import check_training_labels, check_validation_labels
from .examples.folds import Fold, plan_folds
from .examples.rows import Shape
from .pretrained import ExtendedModel, InitialModel
from .protocol.augment import Augmenter
from .protocol.augment.changes import crop_frames
from .protocol.config import TrainConfig


@dataclass(frozen=True)
class Plan:
    """What a training will do.

    Attributes
    ----------
    records : list of Record
        What it trains and validates on.
    config : TrainConfig
        The settings.
    front_end : FrontEnd
        What computes the features.
    shape : tuple of int
        ``(bins, frames)`` of them.
    on_the_fly : bool
        Whether features are computed for each batch, from waveforms.
    classes : list of str
        What the model will recognise.
    only : list of str
        The classes that are trained: all, or those that a model is extended by.
    unlisted : {"unknown", "absent"}
        How a class counts that a record does not list.
    folds : list of Fold
        The divisions, by indices into the records.
    window : float
        Length of the records, in seconds.
    base : ExtendedModel, InitialModel or None
        The model that it builds on.
    faulty : list of tuple of (Record, FeatureError)
        Records that it cannot use, each with the reason.
    """

    records: list[Record]
    config: TrainConfig
    front_end: FrontEnd
    shape: Shape
    on_the_fly: bool
    classes: list[str]
    only: list[str]
    unlisted: Unlisted
    folds: list[Fold]
    window: float
    base: ExtendedModel | InitialModel | None
    faulty: list[tuple[Record, FeatureError]] = field(default_factory=list)

    @property
    def extended(self) -> ExtendedModel | None:
        """The model that is extended."""
        return self.base if isinstance(self.base, ExtendedModel) else None

    @property
    def start(self) -> InitialModel | None:
        """The model whose weights the training starts from."""
        return self.base if isinstance(self.base, InitialModel) else None

    def for_records(self, records: Sequence[Record]) -> Plan:
        """Return the plan of the same training on other records, such as those that could be loaded.

        Parameters
        ----------
        records : sequence of Record
            With features of the same front end and shape.

        Returns
        -------
        Plan
            This one, if the records are the same.

        Raises
        ------
        UsageError, ModelError
            As for `make_plan`.
        """
        if len(records) == len(self.records):
            return self
        return make_plan(
            records, self.config, self.front_end, self.shape, on_the_fly=self.on_the_fly, base=self.base
        )


def make_plan(
    records: Sequence[Record],
    config: TrainConfig,
    front_end: FrontEnd,
    shape: Shape,
    *,
    on_the_fly: bool = False,
    base: ExtendedModel | InitialModel | None = None,
    faulty: Sequence[tuple[Record, FeatureError]] = (),
) -> Plan:
    """Plan a training, and check everything that can be checked without the features themselves.

    Parameters
    ----------
    records : sequence of Record
        With labels.
    config : TrainConfig
        The settings.
    front_end : FrontEnd
        What computes the features.
    shape : tuple of int
        ``(bins, frames)`` of them.
    on_the_fly : bool
        Whether features are computed for each batch: then waveforms are mixed, not features.
    base : ExtendedModel or InitialModel, optional
        The model that the training builds on.
    faulty : sequence of tuple of (Record, FeatureError)
        Records that were left out, each with the reason.

    Returns
    -------
    Plan
        With one fold or several.

    Raises
    ------
    FeatureError
        If features of that shape do not span the records.
    UsageError
        If settings, records, front end and the base model do not go together.
    ModelError
        If nothing can be learnt or validated, or features of that shape are too small for the net.
    """
    if base is not None:
        base.check_settings(config)
    only = classes = _classes(records, config)
    if isinstance(base, ExtendedModel):
        classes = base.with_classes(classes)
        only = [label for label in classes if label not in base.description.labels]
    window = _window(records, front_end, shape)
    if base is not None:
        base.check_features(front_end, shape, window)
    unlisted = _unlisted(config)
    present, known = label_matrix(records, classes, unlisted)
    folds = plan_folds(records, config.folds, division=config.division, seed=config.seed)
    columns = [classes.index(label) for label in only]
    for fold in folds:
        training, validation = (
            (present[indices][:, columns], known[indices][:, columns])
            for indices in (fold.train, fold.validation)
        )
        check_training_labels(*training, fold)
        check_validation_labels(*validation, fold, config.strategy, only)
    augmentation = config.augmentation()
    Augmenter(augmentation.without_mix() if on_the_fly else augmentation, front_end.config, 0.0, 1.0)
    with torch.device("meta"):
        net = build(config.architecture, num_classes=len(classes), input_shape=shape, width=config.width)
    if config.crop:
        _check_crop(net, config, shape)
    return Plan(
        records=list(records),
        config=config,
        front_end=front_end,
        shape=shape,
        on_the_fly=on_the_fly,
        classes=classes,
        only=only,
        unlisted=unlisted,
        folds=folds,
        window=window,
        base=base,
        faulty=list(faulty),
    )


def _check_crop(net: nn.Module, config: TrainConfig, shape: Shape) -> None:
    """Check that a net takes examples as they are cropped."""
    some = crop_frames(torch.empty(2, *shape), config.crop, torch.Generator()).to("meta")
    try:
        net.eval()(some)
    except RuntimeError:
        what = f"{config.architecture}: takes no examples of {some.shape[2]} instead of {shape[1]} frames"
        raise UsageError(what, "leave `crop` out, or take a net that pools over time") from None


def _window(records: Sequence[Record], front_end: FrontEnd, shape: Shape) -> float:
    """Return the length of the records in seconds, after checking that the features span them."""
    rate = front_end.sampling_rate
    lengths = sorted({record.at_rate(rate).num_samples for record in records})
    for length in lengths:
        if (front_end.bins, front_end.frames(length)) != shape:
            odd = next(record.id for record in records if record.at_rate(rate).num_samples == length)
            seen = "x".join(map(str, shape))
            raise FeatureError(
                f"record {odd}: features of {seen} do not span its {length} samples at {rate} Hz",
                "compute them from the segments themselves (im-segment, then im-features)",
            )
    return samples_to_seconds(lengths[-1], rate)


def _classes(records: Sequence[Record], config: TrainConfig) -> list[str]:
    """Return what to recognise."""
    classes = list(config.classes) if config.classes is not None else classes_of(records)
    if not classes:
        raise ModelError("the records have no labels to learn", "run im-index with `layout` to label them")
    return classes


def _unlisted(config: TrainConfig) -> Unlisted:
    """Return how an unlisted class counts: as absent where classes exclude each other."""
    return "absent" if config.strategy == "single-label" else config.unlisted
