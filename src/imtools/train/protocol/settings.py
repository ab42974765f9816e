"""The settings of a training as a caller gives them: what is left out follows the protocol of a paper."""

from __future__ import annotations

from dataclasses import dataclass

from ...choices import Aggregation, Keep, ScheduleKind, Strategy, Unlisted


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Settings of a training, each of which may be left out.

    `imtools.train.protocol.resolve.resolve_settings` completes them: what is ``None`` is taken from the
    model that the training builds on, then from the protocol of the paper
    (`imtools.train.protocol.papers`), then from the defaults of
    `imtools.train.protocol.config.TrainConfig`, whose fields these are and where they are described.
    """

    architecture: str | None = None
    width: float | None = None
    strategy: Strategy | None = None
    features: str | None = None
    classes: tuple[str, ...] | None = None
    unlisted: Unlisted | None = None
    folds: tuple[int, ...] | None = None
    division: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    schedule: ScheduleKind | None = None
    decay: float | None = None
    reduce_patience: int | None = None
    reduce_factor: float | None = None
    stop_patience: int | None = None
    stop_precision: float | None = None
    warm_up: float | None = None
    weight_decay: float | None = None
    clip: float | None = None
    listwise: float | None = None
    class_weights: bool | None = None
    negatives: float | None = None
    ema: float | None = None
    mix: float | None = None
    voices: int | None = None
    crop: float | None = None
    shift: bool | None = None
    equalize: float | None = None
    roll: int | None = None
    mask: float | None = None
    mixup: float | None = None
    keep: Keep | None = None
    compile: bool | None = None
    aggregation: Aggregation | None = None
    stereo: bool | None = None
    hop: float | None = None
    seed: int | None = None
    name: str | None = None
