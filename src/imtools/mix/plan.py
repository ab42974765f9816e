"""Planning: from single-label records to the recipes of their mixes, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from ..manifest import Record
from .arrange import Combination, PlannedMix, SourcePool, arrange_combinations
from .compose import Composition
from .polyphony import arrange_levels
from .sync import Sync, get_sync, in_order


def plan(
    records: Iterable[Record],
    *,
    sync: str | Sync | Sequence[str | Sync] = "none",
    pairs: Literal["all"] | Sequence[Combination] = "all",
    voices: int = 2,
    polyphony: Sequence[int] | None = None,
    per_level: int = 100,
    limit: int | None = None,
    seed: int = 0,
    **composition: Any,
) -> list[Record]:
    """Plan the mixes of single-instrument records.

    Parameters
    ----------
    records : iterable of Record
        The material, in any order.
    sync : str, Sync, or a sequence of these
        How tracks are brought together: names in `imtools.mix.sync.SYNCS`, or objects such as `Within`.
    pairs, voices, limit
        See `arrange_combinations`.
    polyphony : sequence of int, optional
        Numbers of voices; then `arrange_levels` decides who meets instead.
    per_level : int
        See `arrange_levels`.
    seed : int
        Another seed, other partners.
    **composition
        Further attributes of `Composition`.

    Returns
    -------
    list of Record
        Recipes (``audio`` is ``None``) in a fixed order.

    Raises
    ------
    UsageError
        If an argument or the material allows no mix.
    ImtoolsError
        If a synchronisation cannot listen to a record.

    Warns
    -----
    ImtoolsWarning
        If records take no part because they lack what the synchronisation needs.
    """
    given = [sync] if isinstance(sync, str | Sync) else sync
    syncs = in_order([get_sync(one) if isinstance(one, str) else one for one in given])
    composer = Composition(syncs=syncs, seed=seed, **composition)
    material = material_of(records, syncs)
    if polyphony is not None:
        meetings = arrange_levels(material, polyphony, per_level, seed=seed)
    else:
        meetings = arrange_combinations(material, combinations=pairs, voices=voices, limit=limit, seed=seed)
    study(meetings, syncs)
    return [composer.compose(meeting) for meeting in meetings]


def material_of(records: Iterable[Record], syncs: Sequence[Sync]) -> SourcePool:
    """Sort records by where synchronisations let them meet."""
    return SourcePool(records, [sync.condition for sync in syncs if sync.condition is not None])


def study(meetings: Sequence[PlannedMix], syncs: Sequence[Sync]) -> None:
    """Let synchronisations listen to all records that meet others, each once."""
    records = {record.id: record for one in meetings if len(one.party) > 1 for record in one.party}
    for sync in syncs:
        sync.study(list(records.values()))
