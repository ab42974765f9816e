"""The settings of a set of mixes: which records are mixed, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from ..choices import F0Method, Renderer, Stretcher, SyncName
from ..errors import UsageError
from ..manifest import Record
from .arrange import Combination, PlannedMix, SourcePool, arrange_combinations
from .compose import Composition, Range
from .polyphony import arrange_levels
from .sync import Sync, Within, get_sync, in_order

if TYPE_CHECKING:
    from .analyzer import RecordAnalyzer


@dataclass(frozen=True, kw_only=True)
class MixSettings:
    """Which records are mixed, and how.

    Attributes
    ----------
    sync : str, Sync, or a sequence of these
        How tracks are fitted to each other: names in `imtools.choices.SYNCS`, or objects.
        Becomes a tuple.
    within : sequence of str
        Dotted keys, such as ``"source.dataset"``: only records with equal values of all are mixed.
    pairs : "all" or sequence of tuple of str
        The classes to mix, two or more in each tuple.
    voices : int
        Classes in a mix, where ``pairs`` is ``"all"``.
    polyphony : sequence of int, optional
        Numbers of voices, each once: instead of all combinations of classes, ``per_level`` mixes of each
        number; 0 is silence. See `arrange_levels`.
    per_level : int
        Mixes of each number of voices.
    limit : int, optional
        Maximum number of mixes of each combination.
    gain_db, snr_db, offset, headroom, renderer, stretcher
        See `Composition`.
    f0 : {"crepe", "crepe-tiny", "crepe-original", "pyin"}
        The f0 estimator, for ``"pitch"``.
    tempo_fold : bool
        Whether half and double tempo count as the same, for ``"tempo"``.

    Raises
    ------
    UsageError
        If settings contradict each other.
    """

    sync: SyncName | Sync | Sequence[SyncName | Sync] = "none"
    within: Sequence[str] = ()
    pairs: Literal["all"] | Sequence[Combination] = "all"
    voices: int = 2
    polyphony: Sequence[int] | None = None
    per_level: int = 100
    limit: int | None = None
    gain_db: Range = (0.0, 0.0)
    snr_db: Range | None = None
    offset: Range = (0.0, 0.0)
    headroom: bool = True
    f0: F0Method = "crepe"
    tempo_fold: bool = False
    stretcher: Literal["auto"] | Stretcher = "auto"
    renderer: Renderer = "float"

    def __post_init__(self) -> None:
        given = (self.sync,) if isinstance(self.sync, str | Sync) else self.sync
        object.__setattr__(self, "sync", tuple(dict.fromkeys(given)))
        if self.polyphony is not None:
            if self.pairs != "all" or self.voices != MixSettings.voices or self.limit is not None:
                hint = "leave out `pairs`, `voices` and `limit`"
                raise UsageError("`polyphony` decides how many voices there are, and how often", hint)
        elif self.per_level != MixSettings.per_level:
            raise UsageError("`per_level` counts the mixes of `polyphony`", "leave it out, or give both")
        if self.pairs != "all" and self.voices != MixSettings.voices:
            raise UsageError("`pairs` names classes, `voices` counts them", "leave one of them out")

    @property
    def syncs(self) -> tuple[SyncName | Sync, ...]:
        """All of `sync`, each once."""
        return cast("tuple[SyncName | Sync, ...]", self.sync)

    def composition(self, analyzer: RecordAnalyzer | None = None, *, seed: int = 0) -> Composition:
        """Return how the tracks of the mixes are overlaid.

        Parameters
        ----------
        analyzer : RecordAnalyzer, optional
            Analyses the sound of records, where a synchronisation needs it; a new one by default.
        seed : int
            Seed of the random choices.

        Raises
        ------
        UsageError
            If synchronisations contradict each other, a range is wrong, or the package that estimates f0,
            stretches or shifts is not installed.
        """
        if analyzer is None:
            from .analyzer import RecordAnalyzer

            analyzer = RecordAnalyzer(self.f0)
        named = [
            get_sync(sync, analyzer, tempo_fold=self.tempo_fold) if isinstance(sync, str) else sync
            for sync in self.syncs
        ]
        syncs = in_order([*named, *map(Within, dict.fromkeys(self.within))])
        if "pitch" in self.syncs:
            from ..analysis.f0 import require_f0

            require_f0(self.f0)
        if any(sync.changes for sync in syncs):
            from ..effects.stretch import resolve_stretcher

            resolve_stretcher(self.stretcher)  # before anything is analysed
        return Composition(
            syncs=syncs,
            seed=seed,
            headroom=self.headroom,
            gain_db=self.gain_db,
            snr_db=self.snr_db,
            offset=self.offset,
            renderer=self.renderer,
            stretcher=self.stretcher,
        )

    def arrange(self, records: Iterable[Record], composition: Composition) -> list[PlannedMix]:
        """Return the planned mixes.

        Parameters
        ----------
        records : iterable of Record
            The records, in any order.
        composition : Composition
            How they will be mixed: its synchronisations may restrict partners, and its seed is used.

        Raises
        ------
        UsageError
            If a setting is out of range, or no records can be mixed.

        Warns
        -----
        ImtoolsWarning
            If records are left out, or a level of polyphony gets fewer mixes than ``per_level``.
        """
        required = [sync.compatibility for sync in composition.syncs]
        pool = SourcePool(records, [one for one in required if one is not None])
        if self.polyphony is not None:
            return arrange_levels(pool, self.polyphony, self.per_level, seed=composition.seed)
        return arrange_combinations(
            pool, combinations=self.pairs, voices=self.voices, limit=self.limit, seed=composition.seed
        )


def mix_records(
    records: Iterable[Record],
    settings: MixSettings | None = None,
    *,
    seed: int = 0,
    analyzer: RecordAnalyzer | None = None,
) -> list[Record]:
    """Mix single-instrument records into polyphonic ones: plan the recipes of their mixes.

    No audio is rendered: `imtools.sound.load_sound` renders a recipe when it is loaded. Mixes never cross a
    fold or a split, and have the labels and groups of all their tracks.

    Parameters
    ----------
    records : iterable of Record
        In any order; those with several present labels, or none, are left out.
    settings : MixSettings, optional
        Which records are mixed, and how; by default every pair of classes, unchanged.
    seed : int
        Seed of the random choices.
    analyzer : RecordAnalyzer, optional
        Analyses the sound of records, where a synchronisation needs it; a new one, on this machine's best
        device, by default.

    Returns
    -------
    list of Record
        Recipes (``audio`` is ``None``) in a fixed order.

    Raises
    ------
    UsageError
        If a setting is wrong, or no records can be mixed.
    ImtoolsError
        If a record cannot be analysed.

    Warns
    -----
    ImtoolsWarning
        If records are left out, or a level of polyphony gets fewer mixes than ``per_level``.

    Examples
    --------
    >>> from imtools.manifest import Label
    >>> records = [
    ...     Record(name, f"{name}.wav", 0.0, 1.0, 22050, 22050, labels=[Label(name)])
    ...     for name in ("cel", "flu")
    ... ]
    >>> (mix,) = mix_records(records, MixSettings(snr_db=(0, 6)), seed=1)
    >>> mix.present_labels(), mix.duration
    (['cel', 'flu'], 1.0)
    """
    settings = MixSettings() if settings is None else settings
    composition = settings.composition(analyzer, seed=seed)
    planned = settings.arrange(records, composition)
    composition.analyze(planned)
    return [composition.compose(mix) for mix in planned]
