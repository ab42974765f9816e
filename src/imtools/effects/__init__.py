"""Effects: changes of a signal, stored in recipes so that they can be repeated.

Samples are float32 of shape ``(num_samples,)`` or ``(channels, num_samples)``.
"""

from __future__ import annotations

from ..manifest.values import Json, WrongKeyError, mapping, string
from .base import Effect
from .filter import Filter
from .noise import Noise
from .placing import Crop, Pad
from .polarity import Polarity

EFFECTS: dict[str, type[Effect]] = {effect.name: effect for effect in (Crop, Filter, Noise, Pad, Polarity)}
"""All effects, by name."""


def parse_effect(value: Json, key: str) -> Effect:
    """Return the effect of a JSON object such as ``{"effect": "polarity"}``.

    Parameters
    ----------
    value : object
        The JSON value.
    key : str
        What to call it in errors.

    Raises
    ------
    WrongKeyError
        If it names no effect, or one of its values is wrong or not known to the effect.
    """
    data = dict(mapping(value, key))
    name = string(data.pop("effect", None), f"{key}.effect")
    if name not in EFFECTS:
        raise WrongKeyError(f"{key}.effect", f"is {name!r}, but must be one of {', '.join(EFFECTS)}")
    effect = EFFECTS[name].from_json(data, key)
    if data:  # each effect removes the keys that it knows
        raise WrongKeyError(f"{key}.{next(iter(data))}", f"is not known to effect {name!r}")
    return effect


__all__ = ["EFFECTS", "Crop", "Effect", "Filter", "Noise", "Pad", "Polarity", "parse_effect"]
