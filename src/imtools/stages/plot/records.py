"""Pictures of records: of their sound, their labels and their predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ...calibrate.fit import reliability as count_reliability
from ...choices import Unlisted
from ...errors import ImtoolsError, UsageError, is_fatal
from ...features.batches import for_front_end
from ...features.front_ends.base import FrontEnd
from ...features.streaming import SLICE, stream
from ...manifest import Record
from ...plot.activity import activity_of, draw_activity, spans_of
from ...plot.bins import bins_of
from ...plot.envelope import envelope
from ...plot.reliability import draw_reliability
from ...plot.spectrogram import MAX_PANELS, Panel, draw_spectrograms
from ...plot.threshold import Sweep, draw_thresholds
from ...plot.waveform import COLUMNS, MAX_WAVES, Wave, draw_waveforms
from ...run import Run, record_items
from ...score import LabelledScores, collect
from ...score.grid import count_on_grid
from ...sound.reader import RecordReader
from ...thresholds import ThresholdsFile
from .output import PictureOutput

T = TypeVar("T")

_FRAMES = 2000
"""Greatest number of columns in a panel: of more frames, each column shows the highest value."""


def _each(run: Run, records: Sequence[Record], read: Callable[[Record], T], step: str) -> list[T]:
    """Return what is read of each record; a record that cannot be read is a failure."""
    good = []
    for item, record in zip(record_items(records), records, strict=True):
        try:
            with run.clock.measure(step):
                good.append(read(record))
        except Exception as error:
            if is_fatal(error):
                raise
            run.fail(item, step, error)
            continue
        run.succeed(record.duration)
    if not good:
        raise UsageError(
            "no record to draw", "see the failures" if records else "check the input and --where"
        )
    return good


def _at_most(records: Sequence[Record], most: int) -> None:
    if len(records) > most:
        hint = f"choose up to {most}, with --where for instance"
        raise UsageError(f"{len(records)} records are too many for one picture", hint)


def _title(record: Record) -> str:
    """Return the title of a record: its labels, and how they were mixed."""
    name = " + ".join(record.present_labels()) or record.id
    sync = record.mix.get("sync")
    if not isinstance(sync, str) or len(record.mix.get("tracks", ())) < 2:
        return name
    return f"{name}, {'random' if sync == 'none' else sync} mix"


def spectrogram(run: Run, output: PictureOutput, front_end: FrontEnd) -> None:
    """Draw a representation of each record; see `imtools.plot.spectrogram.draw_spectrograms`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    front_end : FrontEnd
        Computes the representation.
    """
    output.check()
    records = run.records()
    _at_most(records, MAX_PANELS)
    if not output.start(run, len(records), "records"):
        return
    panels = _each(run, records, lambda record: _panel(record, front_end), "features")
    output.write(
        run,
        "spectrogram",
        draw_spectrograms(panels, bins_of(front_end.config), width=output.width_cm, title=output.title),
    )


def _panel(record: Record, front_end: FrontEnd) -> Panel:
    title = _title(record)
    record = for_front_end(record, front_end)
    reader = RecordReader(record)
    if record.num_samples <= SLICE:
        reader.hold()
    frames, bins = front_end.frames(record.num_samples), front_end.bins
    step = 1 if bins == 1 else -(-frames // _FRAMES)
    values = np.full((bins, -(-frames // step)), -np.inf, dtype=np.float32)
    first = 0
    for part in stream(front_end, record.num_samples, reader.read):
        columns = np.arange(first, first + part.shape[1]) // step
        own, starts = np.unique(columns, return_index=True)
        values[:, own] = np.maximum(values[:, own], np.maximum.reduceat(part, starts, axis=1))
        first += part.shape[1]
    return Panel(title, values, step * front_end.hop_length / front_end.sampling_rate)


def waveform(run: Run, output: PictureOutput) -> None:
    """Draw the waveform of each record; see `imtools.plot.waveform.draw_waveforms`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    """
    output.check()
    records = run.records()
    _at_most(records, MAX_WAVES)
    if not output.start(run, len(records), "records"):
        return
    output.write(
        run,
        "waveform",
        draw_waveforms(_each(run, records, _wave, "decode"), width=output.width_cm, title=output.title),
    )


def _wave(record: Record) -> Wave:
    if record.audio is None and not record.mix:
        raise ImtoolsError(f"record {record.id}: has no audio to draw", "give records with audio")
    reader, length = RecordReader(record), record.num_samples
    blocks = (reader.read(begin, min(begin + SLICE, length)) for begin in range(0, length, SLICE))
    low, high = envelope(blocks, length, COLUMNS)
    return Wave(record.id, low, high, record.duration, spans_of(record))


def activity(run: Run, output: PictureOutput, *, model: str | None, threshold: float | str | None) -> None:
    """Draw the scores of a record's windows; see `imtools.plot.activity.draw_activity`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    model : str, optional
        Whose predictions, if there are several models.
    threshold : float or str, optional
        One for all classes, or a file of thresholds.
    """
    output.check()
    records = run.records()
    if len(records) != 1:
        found = f"{len(records)} records" if records else "no record"
        raise UsageError(f"{found} to draw", "choose one, with --where id=... for instance")
    if not output.start(run, 1, "record"):
        return
    shown = activity_of(records[0], model)
    limits = None
    if threshold is not None:
        limits = _limits(threshold, shown.model, shown.classes)
    figure = draw_activity(shown, limits, width=output.width_cm, title=output.title)
    run.succeed(records[0].duration)
    output.write(run, "activity", figure)


def _limits(threshold: float | str, model: str, classes: Sequence[str]) -> dict[str, float]:
    if isinstance(threshold, str):
        return dict(ThresholdsFile.load(threshold).for_model(model).classes)
    if not 0 <= threshold <= 1:
        raise UsageError(
            f"--threshold {threshold:g}: is no threshold", "give 0 to 1, or a file of im-threshold"
        )
    return dict.fromkeys(classes, threshold)


def threshold(
    run: Run,
    output: PictureOutput,
    *,
    models: Sequence[str],
    classes: Sequence[str] | None,
    unlisted: Unlisted,
) -> None:
    """Draw F1 against the threshold; see `imtools.plot.threshold.draw_thresholds`.

    Parameters
    ----------
    run : Run
        The harness.
    output : PictureOutput
        Where to draw.
    models : sequence of str
        The models; empty: all.
    classes : sequence of str, optional
        The classes; all that the models predict if not given.
    unlisted : {"unknown", "absent"}
        The label of a class that incomplete labels do not list.
    """
    found = _labelled_scores(run, output, models, classes, unlisted)
    sweeps = [
        Sweep(one.model, one.classes, count_on_grid(one.y_true, one.y_score, one.known)) for one in found
    ]
    if sweeps:
        output.write(run, "threshold", draw_thresholds(sweeps, width=output.width_cm, title=output.title))


def reliability(
    run: Run,
    output: PictureOutput,
    *,
    models: Sequence[str],
    classes: Sequence[str] | None,
    unlisted: Unlisted,
) -> None:
    """Draw the part that is present against the score; see `imtools.plot.reliability.draw_reliability`.

    Parameters
    ----------
    run, output, models, classes, unlisted
        As for `threshold`.
    """
    found = _labelled_scores(run, output, models, classes, unlisted)
    counted = [(one.model, count_reliability(one.y_true, one.y_score, one.known)) for one in found]
    if counted:
        output.write(run, "reliability", draw_reliability(counted, width=output.width_cm, title=output.title))


def _labelled_scores(
    run: Run, output: PictureOutput, models: Sequence[str], classes: Sequence[str] | None, unlisted: Unlisted
) -> list[LabelledScores]:
    """Return the scores of each model with the labels; none in a dry run."""
    output.check()
    records = run.records()
    if not output.start(run, len(records), "records"):
        return []
    if not records:
        raise UsageError("no record to draw", "check the input and --where")
    with run.clock.measure("score"):
        collected = collect(records)
        names: Sequence[str | None] = models or collected.models or [None]
        found = [collected.labelled_scores(model, classes=classes, unlisted=unlisted) for model in names]
    for record in records:
        run.succeed(record.duration)
    return found
