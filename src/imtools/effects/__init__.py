"""Effects: changes of a signal that recipes name, so that they can be made again."""

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
    """Return the effect of a JSON object such as ``{"effect": "polarity"}``; `key` names it in errors.

    Raises
    ------
    WrongKeyError
        If it names no effect, a value of it is wrong, or it holds one that the effect does not know.
    """
    data = dict(mapping(value, key))
    name = string(data.pop("effect", None), f"{key}.effect")
    if name not in EFFECTS:
        raise WrongKeyError(f"{key}.effect", f"is {name!r}, but must be one of {', '.join(EFFECTS)}")
    effect = EFFECTS[name].from_json(data, key)
    if data:  # each effect takes what it knows
        raise WrongKeyError(f"{key}.{next(iter(data))}", f"is nothing that effect {name!r} knows")
    return effect


__all__ = ["EFFECTS", "Crop", "Effect", "Filter", "Noise", "Pad", "Polarity", "parse_effect"]
