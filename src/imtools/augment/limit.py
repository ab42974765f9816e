"""Choosing the copies to make if their number is limited."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from ..errors import ImtoolsError
from ..hashing import stable_hash
from ..manifest import Record
from .augmentation import Augmentation


def choose_copies(
    augmentation: Augmentation, records: Iterable[Record], limit: int
) -> dict[str, tuple[int, ...]]:
    """Choose among the copies of many records evenly: their numbers differ by one at most.

    This makes a control set as large as another set: pitch-shifted single instruments, as many as there
    are mixes (Kratimenos et al. 2020, section IV).

    Parameters
    ----------
    augmentation : Augmentation
        The changes; each record has `Augmentation.num_copies` copies to choose from.
    records : iterable of Record
        All records. Their order does not matter.
    limit : int
        Maximum number of copies in all.

    Returns
    -------
    dict of str to tuple of int
        The numbers of the chosen copies, ascending, by the id of their record. A record that cannot be
        augmented keeps all of its copies, so that the failure is reported; they do not count.
    """
    chosen: dict[str, tuple[int, ...]] = {}
    ranks: list[tuple[int, str, str]] = []
    for record in records:
        numbers = range(augmentation.num_copies)
        try:
            augmentation.copies_of(record)
        except ImtoolsError:
            chosen[record.id] = (*numbers,)
        else:
            digest = stable_hash(augmentation.seed, "limit", record.id)
            ranks += [(number, digest, record.id) for number in numbers]
    for number, _, name in heapq.nsmallest(limit, ranks):
        chosen[name] = (*chosen.get(name, ()), number)
    return chosen
