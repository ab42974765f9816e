"""The mixing stage: recipes in, recipes or rendered mixes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..analysis.f0 import require_f0
from ..effects.stretch import resolve_stretcher
from ..errors import ImtoolsError, UsageError
from ..manifest import Record
from ..mix import (
    Composition,
    PlannedMix,
    SourcePool,
    Within,
    arrange_combinations,
    arrange_levels,
    get_sync,
    in_order,
    material_of,
    study,
)
from ..mix.analyzer import RecordAnalyzer
from ..mix.arrange import Combination
from ..run import Blueprint, Item, Options, RecordStage, Run, execute
from ..run.items import MANIFEST_NAME
from .rendering import write_rendered

MOST_VOICES = 1000


def parse_pairs(text: str) -> list[Combination] | Literal["all"]:
    """Return the combinations in ``"cel+vio,flu+pia+sax"``, or ``"all"``.

    Raises
    ------
    UsageError
        If one is not classes joined by ``+``.
    """
    if text == "all":
        return "all"
    combinations = [tuple(name.strip() for name in one.split("+")) for one in text.split(",")]
    for names in combinations:
        if len(names) < 2 or not all(names):
            raise UsageError(f"--pairs {text}: {'+'.join(names)!r} is no pair", "write cel+vio,flu+pia+sax")
    return combinations


def parse_range(text: str, option: str) -> tuple[float, float]:
    """Return the two numbers of ``"-6:6"``; a single number stands for both.

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
    """Return the numbers in ``"0-10"`` or ``"1,2,4"``.

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
        if int(high or low) > MOST_VOICES:
            raise UsageError(f"--polyphony {text}: no mix has so many voices", f"give at most {MOST_VOICES}")
        levels.update(range(int(low), int(high or low) + 1))
    if not levels:
        raise UsageError(f"--polyphony {text}: names no count", "write the lower one first: 0-10")
    return sorted(levels)


def cache_path(option: str | None, inputs: Sequence[str]) -> Path | None:
    """Return the file that keeps what was heard: as named, or beside the first manifest."""
    if option is not None:
        return None if option == "none" else Path(option)
    for name in inputs:
        if name.endswith((".jsonl", ".jsonl.gz")):
            return Path(f"{name}.analysis")
        if (own := Path(name, MANIFEST_NAME)).exists():
            return Path(f"{own}.analysis")
    return None


_MEANS = ("f0", "cache", "stretcher", "renderer", "headroom")
"""Settings that people have in their environment for good."""


@dataclass(frozen=True)
class MixSettings:
    """The options of ``im-mix``, as they are given."""

    syncs: Sequence[str] = ("none",)
    within: Sequence[str] = ()
    pairs: str = "all"
    voices: int = 2
    polyphony: str | None = None
    per_level: int = 100
    limit: int | None = None
    gain: str = "0"
    snr: str | None = None
    offset: str = "0"
    headroom: bool = True
    f0: str = "crepe"
    tempo_fold: bool = False
    cache: str | None = None
    stretcher: str = "auto"
    renderer: str = "float"

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked of who meets whom, and how."""
        return self == replace(MixSettings(), **{name: getattr(self, name) for name in _MEANS})

    def arrange(self, material: SourcePool, seed: int) -> list[PlannedMix]:
        """Return who meets whom.

        Raises
        ------
        UsageError
            If the options contradict each other, or allow no mix.
        """
        if self.polyphony is not None:
            if self.pairs != "all" or self.voices != 2 or self.limit is not None:
                hint = "leave out --pairs, --voices and --limit"
                raise UsageError("--polyphony says how many voices there are, and how often", hint)
            return arrange_levels(material, parse_levels(self.polyphony), self.per_level, seed=seed)
        if self.per_level != MixSettings.per_level:
            raise UsageError("--per-level counts the mixes of --polyphony", "leave it out, or give both")
        wanted = parse_pairs(self.pairs)
        if wanted != "all" and self.voices != MixSettings.voices:
            raise UsageError("--pairs names classes, --voices counts them", "leave one of them out")
        return arrange_combinations(
            material, combinations=wanted, voices=self.voices, limit=self.limit, seed=seed
        )

    def composition(self, analyst: RecordAnalyzer, seed: int) -> Composition:
        """Return how tracks are laid over each other.

        Raises
        ------
        UsageError
            If the options contradict each other, or the stretcher is not installed.
        """
        named = [get_sync(name, analyst, tempo_fold=self.tempo_fold) for name in dict.fromkeys(self.syncs)]
        syncs = in_order([*named, *map(Within, dict.fromkeys(self.within))])
        if "pitch" in self.syncs:
            require_f0(self.f0)
        if any(sync.changes for sync in syncs):
            resolve_stretcher(self.stretcher)  # before anything is listened to
        return Composition(
            syncs=syncs,
            seed=seed,
            headroom=self.headroom,
            gain_db=parse_range(self.gain, "--gain"),
            snr_db=None if self.snr is None else parse_range(self.snr, "--snr"),
            offset=parse_range(self.offset, "--offset"),
            renderer=self.renderer,
            stretcher=self.stretcher,
        )


def mix(run: Run, settings: MixSettings, fmt: str) -> None:
    """Mix the records of a run.

    Parameters
    ----------
    run : Run
        The harness; mixes are rendered into its output directory, if it has one.
    settings : MixSettings
        Who meets whom, and how.
    fmt : str
        Audio format.

    Raises
    ------
    UsageError
        If the settings or the records allow no mix.
    """
    options = run.options
    analyst = RecordAnalyzer(
        settings.f0,
        device=options.device,
        precision=options.precision,
        jobs=options.jobs,
        cache=None if options.dry_run else cache_path(settings.cache, options.inputs),
        report=lambda what, done, total: run.advance(0, note=f"{what} of {done} of {total} records"),
    )
    composition = settings.composition(analyst, options.seed)
    records = run.records()
    with run.clock.measure("plan"):
        arranged = settings.arrange(material_of(records, composition.syncs), options.seed)
        meetings = list(run.shard.take(arranged))  # so that only what is mixed here is listened to
    if options.dry_run:
        run.say(f"dry run: {len(meetings)} mixes of {len(records)} records would be made")
        return
    run.say(f"{len(meetings)} mixes of {len(records)} records")
    try:
        stage = MixStage(run.folder, fmt, headroom=settings.headroom)
        execute(run, stage, _mixes(run, meetings, composition), shared=True)
    finally:
        analyst.close()


def _mixes(run: Run, meetings: Sequence[PlannedMix], composition: Composition) -> Iterator[Item]:
    """Listen to what meets, then yield the mix of each meeting, or why it cannot be made."""
    with run.clock.measure("listen"):
        study(meetings, composition.syncs)
    for meeting in meetings:
        try:
            record = composition.compose(meeting)
        except ImtoolsError as error:
            yield Item(composition.name(meeting), error, meeting.party[0].audio)
        else:
            yield Item(record.id, record, record.audio)


def render_recipes(run: Run, settings: MixSettings, fmt: str) -> None:
    """Render the recipes among the records of a run into its output directory; hand on the others.

    Raises
    ------
    UsageError
        If there is no output directory, or the settings ask for mixes.
    """
    if not settings.is_plain:
        hint = "leave out the options that say who is mixed, and how"
        raise UsageError("--render only renders: recipes say all of a mix", hint)
    if run.folder is None:
        raise UsageError("rendered mixes need a place", "name a directory with -o")
    execute(run, MixStage(run.folder, fmt, headroom=settings.headroom), run.items())


class MixStage(RecordStage):
    """Renders each recipe to an audio file, or hands it on where no folder is given.

    Parameters
    ----------
    folder : Path or None
        Files go to ``folder/audio``.
    fmt : str
        ``"flac"`` or ``"wav"``.
    headroom : bool
        See `write_rendered`.
    """

    prepare_step = "render"
    group_size = 64

    def __init__(self, folder: Path | None, fmt: str, *, headroom: bool = True) -> None:
        self._folder, self._fmt, self._headroom = folder, fmt, headroom

    def blueprint(self, options: Options) -> Blueprint:
        """Return how to make this stage elsewhere."""
        return Blueprint(MixStage, (self._folder, self._fmt), {"headroom": self._headroom})

    def prepare(self, record: Record) -> list[Record]:
        """Render one mix; the record keeps its recipe and points at the file.

        A record that is no recipe, or has been rendered, is handed on as it is.
        """
        if self._folder is None or record.audio is not None or not record.mix:
            return [record]
        return [write_rendered(record, self._folder, self._fmt, headroom=self._headroom)]
