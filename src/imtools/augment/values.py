"""What each copy gets: the next value of a list, or one drawn between two bounds, decided by hashes."""

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
"""The changes that take `Values`: the least and the greatest of them, and their unit."""


@dataclass(frozen=True, slots=True)
class Values:
    """What one kind of change may be.

    Attributes
    ----------
    numbers : tuple of float
        Values that the copies of a record take in turn, beginning at a random one; or two bounds.
    between : bool
        Whether they are bounds, between which each copy's value is drawn uniformly.
    """

    numbers: tuple[float, ...]
    between: bool = False

    def pick(self, number: int, *key: object) -> float:
        """Return the value for one copy, counted from 0, of what a key stands for."""
        if self.between:
            low, high = self.numbers
            return low + (high - low) * uniform(*key, number)
        return self.numbers[(below(len(self.numbers), *key) + number) % len(self.numbers)]

    def check(self, name: str) -> None:
        """Refuse values that the change of a name cannot take.

        Raises
        ------
        UsageError
            If there are none, one is out of the range that `VARIED` tells, or the bounds go down.
        """
        if not self.numbers or (
            self.between and (len(self.numbers) != 2 or not self.numbers[0] <= self.numbers[1])
        ):
            hint = "give a list of numbers, or a lower and an upper bound"
            raise UsageError(f"{name}: {self.numbers} cannot be its values", hint)
        low, high, unit = VARIED[name]
        for value in self.numbers:
            if not low <= value <= high:  # what is not a number is out of range, too
                raise UsageError(f"{name} {value:g} is out of range", f"give {low:g} to {high:g} {unit}")
