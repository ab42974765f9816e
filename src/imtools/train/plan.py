"""What a training will do, found out before anything is computed or written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..arrays import BoolArray
from ..errors import FeatureError, ModelError, UsageError
from ..features.front_ends.base import FrontEnd
from ..labels import Unlisted, classes_of, label_matrix
from ..manifest import Record
from ..models import build
from ..units import samples_to_seconds
from .examples.folds import Fold, plan_folds
from .examples.rows import Shape
from .pretrained import Extended, Start
from .protocol.augment import Augmenter
from .protocol.augment.changes import crop_frames
from .protocol.config import TrainConfig


@dataclass(frozen=True)
class Plan:
    """What a training will do.

    Attributes
    ----------
    classes : list of str
        What the model will recognise.
    only : list of str
        Those of them that are trained: all, or those that a model is extended by.
    unlisted : {"unknown", "absent"}
        What a class is that a record does not list.
    folds : list of Fold
        The divisions.
    window : float
        Length of the records, in seconds.
    base : Extended or None
        The model that is extended.
    start : Start or None
        The model whose weights it starts from.
    """

    classes: list[str]
    only: list[str]
    unlisted: Unlisted
    folds: list[Fold]
    window: float
    base: Extended | None
    start: Start | None


def make_plan(
    records: Sequence[Record],
    config: TrainConfig,
    front_end: FrontEnd,
    shape: Shape,
    *,
    on_the_fly: bool = False,
    extend: str | os.PathLike[str] | None = None,
    init: str | os.PathLike[str] | None = None,
) -> Plan:
    """Find out whether a training can be, from everything but the features themselves.

    Parameters
    ----------
    records, config, extend, init
        As for `imtools.train.fit.fit`.
    front_end : FrontEnd
        What computes the features.
    shape : tuple of int
        ``(bins, frames)`` of them.
    on_the_fly : bool
        Whether sounds are mixed before the front end, not features after it.

    Raises
    ------
    FeatureError
        If features of that shape do not span the records.
    UsageError
        If settings, records, front end and the model to extend or to start from do not go
        together.
    ModelError
        If nothing can be learnt or judged, or features of that shape are too small for the net.
    """
    base = None if extend is None else Extended.read(extend, config)
    start = None if init is None else Start.read(init, config)
    classes = _classes(records, config)
    if base is not None:
        classes = base.with_classes(classes)
    only = classes if base is None else [label for label in classes if label not in base.description.labels]
    window = _window(records, front_end, shape)
    for model in (base, start):
        if model is not None:
            model.check(front_end, shape, window)
    unlisted = _unlisted(config)
    present, known = label_matrix(records, classes, unlisted)
    folds = plan_folds(records, config.folds, division=config.division, seed=config.seed)
    columns = [classes.index(label) for label in only]
    for fold in folds:
        _check_labels(present[fold.train][:, columns], known[fold.train][:, columns], fold)
        told = present[fold.validation][:, columns], known[fold.validation][:, columns]
        _check_validation(*told, fold, config, only)
    augmentation = config.augmentation()
    Augmenter(augmentation.without_mix() if on_the_fly else augmentation, front_end.config, 0.0, 1.0)
    with torch.device("meta"):
        net = build(config.architecture, num_classes=len(classes), input_shape=shape, width=config.width)
    if config.crop:
        _check_crop(net, config, shape)
    return Plan(classes, only, unlisted, folds, window, base, start)


def _check_crop(net: nn.Module, config: TrainConfig, shape: Shape) -> None:
    """Check that a net takes examples as they are cropped."""
    some = crop_frames(torch.empty(2, *shape), config.crop, torch.Generator()).to("meta")
    try:
        net.eval()(some)
    except RuntimeError:
        what = f"{config.architecture}: takes no examples of {some.shape[2]} instead of {shape[1]} frames"
        raise UsageError(what, "leave --crop out, or take a net that pools over time") from None


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
        raise ModelError("the records have no labels to learn", "label them with im-index --layout")
    return classes


def _unlisted(config: TrainConfig) -> Unlisted:
    """Return what an unlisted class is: of classes that exclude each other, the named one rules it out."""
    return "absent" if config.strategy == "single-label" else config.unlisted


def _check_labels(present: BoolArray, known: BoolArray, fold: Fold) -> None:
    """Check that the training records of a fold, (n, classes), have something to tell apart."""
    if not ((known & ~present).any(axis=0) & present.any(axis=0)).any():
        raise ModelError(
            f"{fold.name}: no class has both records that have it and records known not to",
            "pass --unlisted absent if the labels name everything that sounds",
        )


def _check_validation(
    present: BoolArray, known: BoolArray, fold: Fold, config: TrainConfig, classes: Sequence[str]
) -> None:
    """Check that the validation records of a fold can judge what is trained: (n, classes) of its labels."""
    hint = "pass --unlisted absent, or choose other folds"
    told = present if config.strategy == "single-label" else known
    if not told.any():
        raise ModelError(f"{fold.name}: nothing is known of the validation labels", hint)
    if config.strategy == "one-vs-all" and (bare := np.flatnonzero(~told.any(axis=0)).tolist()):
        raise ModelError(
            f"{fold.name}: nothing is known of {classes[bare[0]]} on the validation records", hint
        )
