"""Loading the examples of a training: stored features, features computed from sound, or waveforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Protocol

import torch

from ...arrays import Float32Array
from ...errors import FeatureError, ImtoolsError, ModelError, is_fatal
from ...features.front_ends.base import FrontEnd
from ...manifest import FeatureRef, Record
from ...parallel import ordered_map
from ..monitor import Monitor
from .folds import nothing_to_train_on
from .rows import FeatureRows, Shape, stored_rows
from .sound import WaveformRows, bare_sound
from .waveforms import FeatureCollector, WaveformCheck, check_sound

OnFailure = Callable[[Record, Exception], None]
"""Called for each record that cannot be loaded, with the reason; it may raise to stop the training."""


class Collector(Protocol):
    """What takes loaded records, group by group: `FeatureCollector`, `WaveformCheck`."""

    shape: Shape
    group_size: int

    def load(self, record: Record) -> Float32Array | FeatureRef:
        """Return what `add` takes; called in any thread."""

    def add(self, loaded: Sequence[Float32Array | FeatureRef]) -> list[ImtoolsError | None]:
        """Take some loaded records; return what is wrong with each, or ``None``."""


def split_usable(
    records: Sequence[Record], front_end: FrontEnd
) -> tuple[list[Record], list[tuple[Record, FeatureError]]]:
    """Divide records into those to train with and those that cannot be, without reading any file.

    Parameters
    ----------
    records : sequence of Record
        Those of the split ``"test"`` are left out.
    front_end : FrontEnd
        Whose features are needed.

    Returns
    -------
    usable : list of Record
        At least one.
    faulty : list of tuple of (Record, FeatureError)
        The others, each with the reason.

    Raises
    ------
    FeatureError
        If there are records, but all are faulty: that of the first one.
    UsageError
        If all records are of the split ``"test"``.
    """
    usable: list[Record] = []
    faulty: list[tuple[Record, FeatureError]] = []
    for record in records:
        if record.split == "test":
            continue
        try:
            check_sound(record, front_end)
        except FeatureError as error:
            faulty.append((record, error))
        else:
            usable.append(record)
    if faulty and not usable:
        raise faulty[0][1]
    if not usable:
        raise nothing_to_train_on()
    return usable, faulty


def load_rows(
    records: Sequence[Record],
    front_end: FrontEnd,
    *,
    on_the_fly: bool,
    device: torch.device,
    jobs: int,
    on_failure: OnFailure,
    monitor: Monitor,
) -> tuple[list[Record], FeatureRows]:
    """Load the features of records or, to compute these during the training, their waveforms.

    Parameters
    ----------
    records : sequence of Record
        As `split_usable` returns them.
    front_end : FrontEnd
        On any device.
    on_the_fly : bool
        Whether to load waveforms.
    device : torch.device
        Where to compute features.
    jobs : int
        Threads that decode.
    on_failure : callable
        Called, in the order of the records, for each that fails.
    monitor : Monitor
        Follows the progress.

    Returns
    -------
    records : list of Record
        Those that have not failed.
    rows : FeatureRows
        One row for each of these.

    Raises
    ------
    ModelError
        If all records fail.
    FeatureError
        If the features do not have one shape, or do not fit into memory.
    """
    if on_the_fly:
        return _load_waveforms(records, front_end, jobs, on_failure, monitor)
    if all(front_end.kind in record.features for record in records):
        with monitor.clock.measure("features"):
            return list(records), stored_rows(records, front_end.kind)
    collector = FeatureCollector(records, front_end.to(device))
    good = _collect(collector, records, jobs, on_failure, monitor)
    shape = " x ".join(map(str, collector.shape))
    seconds = monitor.clock.seconds["features"]
    monitor.note(f"{len(good)} features ({front_end.kind}, {shape}, {collector.dtype}) in {seconds:.1f} s")
    return good, collector.rows()


def _load_waveforms(
    records: Sequence[Record], front_end: FrontEnd, jobs: int, on_failure: OnFailure, monitor: Monitor
) -> tuple[list[Record], FeatureRows]:
    """Load waveforms into memory or, where they do not fit, check that each can be loaded."""
    bare = bare_sound(front_end)
    collector: FeatureCollector | WaveformCheck
    try:
        collector = FeatureCollector(records, bare)
    except FeatureError:
        collector = WaveformCheck(records, bare)  # raises again if the lengths differ
    good = _collect(collector, records, jobs, on_failure, monitor)
    if isinstance(collector, FeatureCollector):
        monitor.note(f"{len(good)} waveforms in memory")
        return good, collector.rows()
    monitor.note(f"{len(good)} waveforms, too many for memory: read for each batch")
    return good, WaveformRows(bare, good, jobs=jobs)


def _collect(
    collector: Collector, records: Sequence[Record], jobs: int, on_failure: OnFailure, monitor: Monitor
) -> list[Record]:
    """Load records and add them to a collector, group by group; return those that have not failed."""

    def load(record: Record) -> tuple[Record, Float32Array | FeatureRef | Exception]:
        try:
            return record, collector.load(record)
        except Exception as error:
            if is_fatal(error):
                raise
            return record, error

    good: list[Record] = []
    size = collector.group_size
    loaded = ordered_map(load, records, jobs, size + 2 * jobs, place=lambda record: record.audio)
    with monitor.clock.measure("features"), _fewer_threads():
        while group := list(islice(loaded, size)):
            faults = iter(collector.add([data for _, data in group if not isinstance(data, Exception)]))
            for record, data in group:
                fault = data if isinstance(data, Exception) else next(faults)
                if fault is None:
                    good.append(record)
                else:
                    on_failure(record, fault)
            monitor.loaded(len(group), len(good))
    if not good:
        raise ModelError("no record is left to train on", "see the failures")
    return good


@contextmanager
def _fewer_threads() -> Iterator[None]:
    """Leave most processors to the threads that decode, which need about four times what torch needs.

    Torch's own threads wait for work actively, and would slow down the others.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 4))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
