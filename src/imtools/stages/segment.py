"""The segmenting stage: recordings in, pointers or files of their segments out."""

from __future__ import annotations

from pathlib import Path

from ..choices import AudioFormat, Level, Tail
from ..manifest import Record
from ..run import Blueprint, Options, RecordStage
from ..segment import check_format, segment_record, write_segment


class SegmentStage(RecordStage):
    """Cuts each record, and writes the segments to files where a folder is given.

    Parameters
    ----------
    length, hop, tail, sampling_rate, normalize
        See `segment_record`.
    folder : Path or None
        See `write_segment`; without it the segments are pointers.
    fmt : {"flac", "wav"}
        Format of the files.

    Raises
    ------
    UsageError
        If the format cannot hold what is to be written.
    """

    prepare_step = "segment"

    def __init__(
        self,
        length: float,
        hop: float | None,
        tail: Tail,
        sampling_rate: int | None,
        normalize: Level | None,
        folder: Path | None,
        fmt: AudioFormat,
    ) -> None:
        if folder is not None:
            check_format(fmt, normalize)
        self._length, self._hop, self._tail = length, hop, tail
        self._sampling_rate, self._normalize = sampling_rate, normalize
        self._folder, self._fmt = folder, fmt

    def blueprint(self, options: Options) -> Blueprint:
        """Return how to make this stage elsewhere."""
        cutting = (self._length, self._hop, self._tail, self._sampling_rate, self._normalize)
        return Blueprint(SegmentStage, (*cutting, self._folder, self._fmt))

    def prepare(self, record: Record) -> list[Record]:
        """Cut one record."""
        pieces = segment_record(
            record,
            length=self._length,
            hop=self._hop,
            tail=self._tail,
            sampling_rate=self._sampling_rate,
            normalize=self._normalize,
        )
        if self._folder is None:
            return pieces
        return [write_segment(piece, self._folder, self._fmt) for piece in pieces]
