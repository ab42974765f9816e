"""The share of one run among several that divide their items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from ..errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """Every ``count``-th item, from the ``number``-th on (counted from 1)."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Parse ``"2/8"``; ``None`` stands for the whole.

        Raises
        ------
        UsageError
            If it is not two whole numbers I/N, with I from 1 to N.
        """
        if text is None:
            return cls()
        number, slash, count = text.partition("/")
        hint = "write `shard=I/N`, I from 1 to N, such as `shard=2/8`"
        if not slash or not all(part.isascii() and part.isdigit() for part in (number, count)):
            raise UsageError(f"`shard` {text}: is not I/N", hint)
        if not 1 <= int(number) <= int(count):
            raise UsageError(f"`shard` {text}: there is no such share", hint)
        return cls(int(number), int(count))

    @property
    def is_whole(self) -> bool:
        """Whether it is everything."""
        return self.count == 1

    def take(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the items of this share; the others are consumed and dropped."""
        return islice(items, self.number - 1, None, self.count)

    def holds(self, position: int) -> bool:
        """Return whether the item at a position (from 0) is in this share."""
        return position % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
