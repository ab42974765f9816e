"""From the settings that are given to the complete ones, and to the front end that a training uses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ...errors import UsageError
from ...features import front_end
from ...features.front_ends.base import FrontEnd
from ...models import ARCHITECTURES, DEFAULT_ARCHITECTURE
from ...models.description import Description
from .config import TrainConfig
from .papers import protocol_of
from .settings import TrainSettings

_INHERITED = ("architecture", "width", "strategy")
"""Settings that a training takes from the model that it builds on."""

_OF_NETS = ("batch_size", "epochs", "keep", "learning_rate", "schedule")
"""Settings of protocols that mean nothing to support vectors."""


def resolve_settings(
    settings: TrainSettings, *, protocol: str | None = None, base: Description | None = None
) -> TrainConfig:
    """Return the complete settings of a training.

    Parameters
    ----------
    settings : TrainSettings
        What is given.
    protocol : str, optional
        The model whose paper's protocol completes them; by default the one that is trained.
    base : Description, optional
        The model that the training builds on: architecture, width and strategy are its own unless given.

    Returns
    -------
    TrainConfig
        What is given, else what the model has, else what the protocol states.

    Raises
    ------
    UsageError
        If settings are wrong, or contradict each other.

    Examples
    --------
    >>> config = resolve_settings(TrainSettings(architecture="avramidis2021-fcn", epochs=30))
    >>> config.epochs, config.batch_size, config.stop_patience
    (30, 64, 7)
    """
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if base is not None:
        given = {name: getattr(base, name) for name in _INHERITED} | given
    stated = protocol_of(protocol or given.setdefault("architecture", DEFAULT_ARCHITECTURE))
    if given.get("strategy", stated["strategy"]) != "one-vs-all":
        stated["stop_precision"] = 0.0  # stops nets of one class only
    if stated["strategy"] == "svm" and (unused := [name for name in _OF_NETS if name in given]):
        raise UsageError(f"`{unused[0]}` has no meaning for support vectors", "leave it out")
    return TrainConfig(**(stated | given))


def default_front_end(architecture: str, base: Description | None = None) -> FrontEnd:
    """Return the front end of a training where neither features nor a preset decide.

    Parameters
    ----------
    architecture : str
        A key of ``models.ARCHITECTURES``.
    base : Description, optional
        The model that the training builds on.

    Returns
    -------
    FrontEnd
        That of the base model if there is one, else that of the architecture's paper.

    Raises
    ------
    ModelError
        If this version computes the features of the base model differently.
    """
    if base is not None:
        return base.build_front_end()
    return front_end(ARCHITECTURES[architecture].front_end)
