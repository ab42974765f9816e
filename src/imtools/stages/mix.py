"""The mixing stage: recipes in, recipes or rendered mixes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..choices import AudioFormat
from ..errors import ImtoolsError, UsageError
from ..manifest import Record
from ..mix import Composition, MixSettings, PlannedMix
from ..mix.analyzer import RecordAnalyzer
from ..run import Blueprint, Item, Options, RecordStage, Run, execute
from ..run.items import MANIFEST_NAME
from .rendering import write_rendered


def cache_path(option: str | None, inputs: Sequence[str]) -> Path | None:
    """Return the file that keeps the results of analysing records.

    Parameters
    ----------
    option : str or None
        Its name, or ``"none"`` for no file; ``None``: beside the first manifest.
    inputs : sequence of str
        The inputs of the command.
    """
    if option is not None:
        return None if option == "none" else Path(option)
    for name in inputs:
        if name.endswith((".jsonl", ".jsonl.gz")):
            return Path(f"{name}.analysis")
        if (own := Path(name, MANIFEST_NAME)).exists():
            return Path(f"{own}.analysis")
    return None


_METHOD_SETTINGS = ("f0", "stretcher", "renderer", "headroom")
"""Settings that people have in their environment permanently."""


def mix(run: Run, settings: MixSettings, fmt: AudioFormat, cache: str | None = None) -> None:
    """Mix the records of a run.

    Parameters
    ----------
    run : Run
        The harness; mixes are rendered into its output directory, if it has one.
    settings : MixSettings
        Which records are mixed, and how.
    fmt : {"flac", "wav"}
        Audio format.
    cache : str, optional
        See `cache_path`.

    Raises
    ------
    UsageError
        If the settings are wrong, or no records can be mixed.
    """
    options = run.options
    analyzer = RecordAnalyzer(
        settings.f0,
        device=options.device,
        precision=options.precision,
        jobs=options.jobs,
        cache=None if options.dry_run else cache_path(cache, options.inputs),
        report=lambda what, done, total: run.advance(0, note=f"{what} of {done} of {total} records"),
    )
    composition = settings.composition(analyzer, seed=options.seed)
    records = run.records()
    with run.clock.measure("plan"):
        arranged = settings.arrange(records, composition)
        planned = list(run.shard.take(arranged))  # so that only what is mixed here is analysed
    if options.dry_run:
        run.say(f"dry run: {len(planned)} mixes of {len(records)} records would be made")
        return
    run.say(f"{len(planned)} mixes of {len(records)} records")
    try:
        stage = MixStage(run.folder, fmt, headroom=settings.headroom)
        execute(run, stage, _mixes(run, planned, composition), shared=True)
    finally:
        analyzer.close()


def _mixes(run: Run, planned: Sequence[PlannedMix], composition: Composition) -> Iterator[Item]:
    """Analyse the records that are mixed, then yield each mix, or why it cannot be made."""
    with run.clock.measure("analysis"):
        composition.analyze(planned)
    for each in planned:
        try:
            record = composition.compose(each)
        except ImtoolsError as error:
            yield Item(composition.name(each), error, each.records[0].audio)
        else:
            yield Item(record.id, record, record.audio)


def render_recipes(run: Run, settings: MixSettings, fmt: AudioFormat) -> None:
    """Render the recipes among the records of a run into its output directory; pass on the others.

    Parameters
    ----------
    run : Run
        The harness.
    settings : MixSettings
        What is not stated in recipes: whether to keep headroom.
    fmt : {"flac", "wav"}
        Audio format.

    Raises
    ------
    UsageError
        If there is no output directory, or other settings differ from their defaults.
    """
    if settings != replace(MixSettings(), **{name: getattr(settings, name) for name in _METHOD_SETTINGS}):
        hint = "leave out the options that choose what is mixed, and how"
        raise UsageError("--render only renders: the recipes hold all of a mix", hint)
    if run.folder is None:
        raise UsageError("rendered mixes need a place", "name a directory with -o")
    execute(run, MixStage(run.folder, fmt, headroom=settings.headroom), run.items())


class MixStage(RecordStage):
    """Renders each recipe to an audio file, or passes it on where no folder is given.

    Parameters
    ----------
    folder : Path or None
        Files go to ``folder/audio``.
    fmt : {"flac", "wav"}
        Audio format.
    headroom : bool
        See `write_rendered`.
    """

    prepare_step = "render"
    group_size = 64

    def __init__(self, folder: Path | None, fmt: AudioFormat, *, headroom: bool = True) -> None:
        self._folder, self._fmt, self._headroom = folder, fmt, headroom

    def blueprint(self, options: Options) -> Blueprint:
        """Return how to make this stage elsewhere."""
        return Blueprint(MixStage, (self._folder, self._fmt), {"headroom": self._headroom})

    def prepare(self, record: Record) -> list[Record]:
        """Render one mix; the record keeps its recipe and points at the file.

        A record that is not a recipe, or has been rendered, is passed on as it is.
        """
        if self._folder is None or record.audio is not None or not record.mix:
            return [record]
        return [write_rendered(record, self._folder, self._fmt, headroom=self._headroom)]
