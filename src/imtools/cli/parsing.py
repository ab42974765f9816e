"""Parsers of option values: ranges, lists, pairs of classes, excerpts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..errors import UsageError

if TYPE_CHECKING:
    from ..augment import Values
    from ..sound.excerpt import Excerpt

MAX_VOICES = 1000


def parse_pairs(text: str) -> list[tuple[str, ...]] | Literal["all"]:
    """Return the combinations of classes in ``"cel+vio,flu+pia+sax"``, or ``"all"``.

    Raises
    ------
    UsageError
        If one is not several classes joined by ``+``.
    """
    if text == "all":
        return "all"
    combinations = [tuple(name.strip() for name in part.split("+")) for part in text.split(",")]
    for names in combinations:
        if len(names) < 2 or not all(names):
            what = f"--pairs {text}: {'+'.join(names)!r} is not a pair of classes"
            raise UsageError(what, "write cel+vio,flu+pia+sax")
    return combinations


def parse_range(text: str, option: str) -> tuple[float, float]:
    """Return the two numbers of ``"-6:6"``; a single number stands for both.

    Parameters
    ----------
    text : str
        The value.
    option : str
        Name of the option, for errors.

    Raises
    ------
    UsageError
        If they are not numbers.
    """
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError:
        raise UsageError(f"{option} {text}: is not LOW:HIGH", "write it as -6:6") from None


def parse_levels(text: str) -> list[int]:
    """Return the levels of polyphony in ``"0-10"`` or ``"1,2,4"``, sorted.

    Raises
    ------
    UsageError
        If there are none, or some are not counts.
    """
    levels: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not (low.isdecimal() and (high.isdecimal() or not dash)):
            raise UsageError(f"--polyphony {text}: {part!r} is not a count", "write it as 0-10 or 1,2,4")
        if int(high or low) > MAX_VOICES:
            what = f"--polyphony {text}: too many voices"
            raise UsageError(what, f"give at most {MAX_VOICES}")
        levels.update(range(int(low), int(high or low) + 1))
    if not levels:
        raise UsageError(f"--polyphony {text}: contains no count", "write the lower one first: 0-10")
    return sorted(levels)


def parse_values(text: str | None, option: str) -> Values | None:
    """Return the values in ``"-2,2,4"``, ``"-6:6"`` or ``"3"``.

    Parameters
    ----------
    text : str or None
        The value; ``None`` is passed through.
    option : str
        Name of the option, for errors.

    Raises
    ------
    UsageError
        If there are none, one is not a number, or the bounds go down.
    """
    from ..augment import Values

    if text is None:
        return None
    hint = "write a number, a list such as -2,2,4, or bounds such as -6:6"
    bounds = ":" in text
    try:
        numbers = tuple(float(number) for number in text.split(":" if bounds else ","))
    except ValueError:
        raise UsageError(f"{option} {text}: does not consist of numbers", hint) from None
    if bounds and (len(numbers) != 2 or not numbers[0] <= numbers[1]):
        raise UsageError(f"{option} {text}: is not a lower and an upper bound", hint)
    return Values(numbers, bounds)


def parse_excerpt(text: str) -> Excerpt:
    """Return the excerpt in ``"30"``, ``"30@start"`` or ``"30@12.5"``.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    from ..sound.excerpt import Excerpt

    length, at, place = text.partition("@")
    try:
        if place in ("start", "middle", "end"):
            return Excerpt(float(length), place)  # type: ignore[arg-type]
        return Excerpt(float(length), float(place)) if at else Excerpt(float(length))
    except ValueError:
        hint = "write seconds, and where: 30, 30@start, 30@middle, 30@end or 30@12.5"
        raise UsageError(f"{text!r} is not an excerpt", hint) from None
