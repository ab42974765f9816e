"""What thresholds were fitted on, in little space: to detect when they are applied to the same items."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..hashing import stable_hash
from ..manifest.values import Json, WrongKeyError, integer, mapping, string

SKETCH_SIZE = 1024
"""The largest number of hashes kept of a set of names."""

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Sketch:
    """The smallest hashes of a set of names (a bottom-k sketch).

    A set of up to ``SKETCH_SIZE`` names is represented exactly. The smallest hashes of a larger one are a
    sample: each name is in it with the same probability, which depends on nothing but the name.

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
    def from_names(cls, names: Iterable[str]) -> Sketch:
        """Return the sketch of some names; repeated names count once."""
        hashes = {_hash(name) for name in names}
        return cls(len(hashes), frozenset(heapq.nsmallest(SKETCH_SIZE, hashes)))

    @property
    def exact(self) -> bool:
        """Whether it represents the whole set."""
        return self.count == len(self.hashes)

    def find(self, name: str) -> str | None:
        """Return the hash of a name if the sketch contains it."""
        digits = _hash(name)
        return digits if digits in self.hashes else None

    def total(self, found: int) -> int:
        """Return how many names of the set there are if this many of the sketch were found.

        It is an estimate if the sketch is a sample; its standard error is at most ``count / 64``.
        """
        return found if self.exact else round(found * self.count / len(self.hashes))

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object, with the sorted hashes in one string, so that they take one line."""
        return {"count": self.count, "hashes": " ".join(sorted(self.hashes))}

    @classmethod
    def from_json(cls, value: Json, key: str) -> Sketch:
        """Parse the output of `to_json`.

        Parameters
        ----------
        value : object
            What ``json.loads`` returned.
        key : str
            The place to name in errors.

        Returns
        -------
        Sketch
            The sketch.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type.
        """
        data = mapping(value, key)
        count = integer(data.get("count"), f"{key}.count", minimum=0)
        hashes = frozenset(string(data.get("hashes"), f"{key}.hashes").split())
        if len(hashes) != min(count, SKETCH_SIZE):
            raise WrongKeyError(f"{key}.hashes", f"must be {min(count, SKETCH_SIZE)}, not {len(hashes)}")
        return cls(count, hashes)


@dataclass(frozen=True, slots=True)
class Seen:
    """The items and recordings that thresholds were fitted on.

    Attributes
    ----------
    items : Sketch
        The ids of the items.
    groups : Sketch
        The original recordings that they name.
    """

    items: Sketch = field(default_factory=Sketch)
    groups: Sketch = field(default_factory=Sketch)

    def overlap(self, ids: Iterable[str], groups: Iterable[str] = ()) -> Overlap:
        """Return how many of some items, and how many recordings, are among those fitted on.

        Parameters
        ----------
        ids : iterable of str
            The ids of the items, each once.
        groups : iterable of str
            Their recordings, in which names may be repeated.

        Returns
        -------
        Overlap
            The counts.
        """
        counter = OverlapCounter(self)
        for item in ids:
            counter.add(item)
        counter.add_groups(groups)
        return counter.result()

    def to_json(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {"items": self.items.to_json(), "groups": self.groups.to_json()}

    @classmethod
    def from_json(cls, value: Json, key: str) -> Seen:
        """Parse the output of `to_json`.

        Parameters
        ----------
        value : object
            What ``json.loads`` returned.
        key : str
            The place to name in errors.

        Returns
        -------
        Seen
            The sketches.

        Raises
        ------
        WrongKeyError
            If a key is missing or has the wrong type.
        """
        data = mapping(value, key)
        return cls(
            Sketch.from_json(data.get("items"), f"{key}.items"),
            Sketch.from_json(data.get("groups"), f"{key}.groups"),
        )


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many items and recordings are among those that thresholds were fitted on.

    Attributes
    ----------
    items : int
        Items that were used for fitting.
    recordings : int
        Recordings of which an item was used for fitting.
    total : int
        All items.
    exact : bool
        Whether these are counts, not estimates.
    """

    items: int
    recordings: int
    total: int
    exact: bool

    def __bool__(self) -> bool:
        return self.items > 0 or self.recordings > 0

    def warning(self) -> str:
        """Return a warning that scores at these thresholds are no estimate for other recordings."""
        about = "" if self.exact else "about "
        if self.items:
            fact = f"{about}{self.items} of {self.total} items were used to fit these thresholds"
        else:
            single = self.recordings == 1
            fact = f"{about}{self.recordings} recording{'' if single else 's'} of these {self.total} items "
            fact += f"{'was' if single else 'were'} used to fit these thresholds"
        return f"{fact}: F1 at them is no estimate for other recordings (an oracle's)"


@dataclass(slots=True)
class OverlapCounter:
    """Counts the overlap of items that are added one by one, in memory that does not grow with them.

    Attributes
    ----------
    seen : Seen
        What the thresholds were fitted on.
    """

    seen: Seen
    _total: int = 0
    _named: int = 0
    _items: set[str] = field(default_factory=set)
    _groups: set[str] = field(default_factory=set)

    def add(self, item: str, groups: Iterable[str] = ()) -> None:
        """Add an item by its id and its recordings."""
        self._total += 1
        if (found := self.seen.items.find(item)) is not None:
            self._items.add(found)
        self.add_groups(groups)

    def add_groups(self, groups: Iterable[str]) -> None:
        """Add recordings."""
        for name in groups:
            self._named += 1
            if (found := self.seen.groups.find(name)) is not None:
                self._groups.add(found)

    def result(self) -> Overlap:
        """Return the overlap of the items so far."""
        items, groups = self.seen.items, self.seen.groups
        # An estimate from few of a large sketch may exceed the number of items.
        count = min(items.total(len(self._items)), self._total)
        recordings = min(groups.total(len(self._groups)), self._named)
        return Overlap(count, recordings, self._total, items.exact and groups.exact)


def _hash(name: str) -> str:
    return stable_hash(name)[:_DIGITS]
