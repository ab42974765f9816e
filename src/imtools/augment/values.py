"""The values of a change: taken from a list in turn, or drawn between two bounds, by hashes."""

from __future__ import annotations

from dataclasses import dataclass

from ..effects.filter import MIN_FREQUENCY
from ..effects.noise import MAX_SNR_DB
from ..errors import UsageError
from ..hashing import below, uniform

VARIED: dict[str, tuple[float, float, str]] = {
    "pitch": (-48, 48, "semitones"),
    "stretch": (0.1, 10, "times the duration"),
    "gain": (-200, 200, "dB"),
    "noise": (-MAX_SNR_DB, MAX_SNR_DB, "dB"),
    "lowpass": (MIN_FREQUENCY, 1e6, "Hz"),
    "highpass": (MIN_FREQUENCY, 1e6, "Hz"),
}
"""The changes that take `Values`: the lowest and the highest, and their unit."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values that one kind of change takes.

    Attributes
    ----------
    numbers : tuple of float
        Values that the copies of a record take in turn, starting at a random one; or two bounds.
    between : bool
        Whether they are bounds, between which the value of each copy is drawn uniformly.

    Examples
    --------
    >>> sorted(Values((-2.0, 2.0)).pick(number, "seed", "record") for number in (0, 1))
    [-2.0, 2.0]
    """

    numbers: tuple[float, ...]
    between: bool = False

    def pick(self, number: int, *key: object) -> float:
        """Return the value for a copy.

        Parameters
        ----------
        number : int
            Number of the copy, from 0.
        *key : object
            What the choice depends on: the seed, the record, the kind of change.
        """
        if self.between:
            low, high = self.numbers
            return low + (high - low) * uniform(*key, number)
        return self.numbers[(below(len(self.numbers), *key) + number) % len(self.numbers)]

    def check(self, name: str) -> None:
        """Refuse values that the change called ``name`` cannot take.

        Raises
        ------
        UsageError
            If there are none, one is out of the range in `VARIED`, or the bounds go down.
        """
        if not self.numbers or (
            self.between and (len(self.numbers) != 2 or not self.numbers[0] <= self.numbers[1])
        ):
            hint = "give a list of numbers, or a lower and an upper bound"
            raise UsageError(f"{name}: {self.numbers} cannot be its values", hint)
        low, high, unit = VARIED[name]
        for value in self.numbers:
            if not low <= value <= high:  # NaN, too
                raise UsageError(f"{name} {value:g} is out of range", f"give {low:g} to {high:g} {unit}")
