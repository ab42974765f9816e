"""What thresholds were fitted on, in little space: whoever applies them learns how much of it comes back."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..hashing import stable_hash
from ..manifest.values import Json, WrongKeyError, integer, mapping, string

SKETCH_SIZE = 1024
"""Hashes that are kept of a set of names, at most."""

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Sketch:
    """The smallest hashes of a set of names (a bottom-k sketch).

    A set of no more than ``SKETCH_SIZE`` names is known whole. Of a larger one the smallest hashes are a
    sample: each name is in it with the same chance, and whether it is depends on nothing but the name.

    Attributes
    ----------
    count : int
        Names in the set.
    hashes : frozenset of str
        The ``min(count, SKETCH_SIZE)`` smallest of their hashes, each of 16 hexadecimal digits.
    """

    count: int = 0
    hashes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> Sketch:
        """Return the sketch of some names; those that come again count once."""
        hashes = {_hash(name) for name in names}
        return cls(len(hashes), frozenset(heapq.nsmallest(SKETCH_SIZE, hashes)))

    @property
    def exact(self) -> bool:
        """Whether it holds the whole set."""
        return self.count == len(self.hashes)

    def find(self, name: str) -> str | None:
        """Return the hash of a name if the sketch holds it."""
        digits = _hash(name)
        return digits if digits in self.hashes else None

    def total(self, found: int) -> int:
        """Return how many names of the set there are where so many of the sketch were found.

        An estimate where the sketch is a sample: its standard error is at most ``count / 64``.
        """
        return found if self.exact else round(found * self.count / len(self.hashes))

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object: the hashes in one string, in order, so that they fill one line."""
        return {"count": self.count, "hashes": " ".join(sorted(self.hashes))}

    @classmethod
    def from_json(cls, value: Json, key: str) -> Sketch:
        """Parse what `to_json` made; ``key`` names the place in errors."""
        data = mapping(value, key)
        count = integer(data.get("count"), f"{key}.count", minimum=0)
        hashes = frozenset(string(data.get("hashes"), f"{key}.hashes").split())
        if len(hashes) != min(count, SKETCH_SIZE):
            raise WrongKeyError(f"{key}.hashes", f"must be {min(count, SKETCH_SIZE)}, not {len(hashes)}")
        return cls(count, hashes)


@dataclass(frozen=True, slots=True)
class Seen:
    """The items and the recordings that thresholds were fitted on.

    Attributes
    ----------
    items : Sketch
        Of their ids.
    groups : Sketch
        Of the original recordings that they name.
    """

    items: Sketch = field(default_factory=Sketch)
    groups: Sketch = field(default_factory=Sketch)

    def overlap(self, ids: Iterable[str], groups: Iterable[str] = ()) -> Overlap:
        """Return how many of some items, and how many recordings, are among those fitted on.

        Parameters
        ----------
        ids, groups : iterable of str
            Of the items, each once; their recordings may come again.
        """
        counter = OverlapCounter(self)
        for one in ids:
            counter.add(one)
        counter.add_groups(groups)
        return counter.result()

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {"items": self.items.to_json(), "groups": self.groups.to_json()}

    @classmethod
    def from_json(cls, value: Json, key: str) -> Seen:
        """Parse what `to_json` made; ``key`` names the place in errors."""
        data = mapping(value, key)
        return cls(
            Sketch.from_json(data.get("items"), f"{key}.items"),
            Sketch.from_json(data.get("groups"), f"{key}.groups"),
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of what thresholds were fitted on comes back.

    Attributes
    ----------
    items : int
        Items that were fitted on.
    recordings : int
        Recordings of which an item was fitted on.
    total : int
        All items.
    exact : bool
        Whether these are counts; estimates otherwise.
    """

    items: int
    recordings: int
    total: int
    exact: bool

    def __bool__(self) -> bool:
        return self.items > 0 or self.recordings > 0

    def warning(self) -> str:
        """Return what to tell whoever takes figures at these thresholds for more than they are."""
        about = "" if self.exact else "about "
        if self.items:
            fact = f"{about}{self.items} of {self.total} items were used to fit these thresholds"
        else:
            one = self.recordings == 1
            fact = f"{about}{self.recordings} recording{'' if one else 's'} of these {self.total} items "
            fact += f"{'was' if one else 'were'} used to fit these thresholds"
        return f"{fact}: F1 at them is no estimate for other recordings (an oracle's)"


@dataclass(slots=True)
class OverlapCounter:
    """Counts the overlap of items that come one by one, in memory that does not grow with them.

    Attributes
    ----------
    seen : Seen
        What was fitted on.
    """

    seen: Seen
    _total: int = 0
    _named: int = 0
    _items: set[str] = field(default_factory=set)
    _groups: set[str] = field(default_factory=set)

    def add(self, item: str, groups: Iterable[str] = ()) -> None:
        """Take in an item by its id and its recordings."""
        self._total += 1
        if (found := self.seen.items.find(item)) is not None:
            self._items.add(found)
        self.add_groups(groups)

    def add_groups(self, groups: Iterable[str]) -> None:
        """Take in recordings."""
        for name in groups:
            self._named += 1
            if (found := self.seen.groups.find(name)) is not None:
                self._groups.add(found)

    def result(self) -> Overlap:
        """Return the overlap of what has come so far."""
        items, groups = self.seen.items, self.seen.groups
        # An estimate from few of a large sketch may be more than there is.
        count = min(items.total(len(self._items)), self._total)
        recordings = min(groups.total(len(self._groups)), self._named)
        return Overlap(count, recordings, self._total, items.exact and groups.exact)


def _hash(name: str) -> str:
    return stable_hash(name)[:_DIGITS]
