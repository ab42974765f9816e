"""Cutting records into segments: exact in samples at any rate, length and hop."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imtools.audio import load, probe, stream, write
from imtools.errors import AudioError, UsageError
from imtools.manifest import FeatureRef, Label, Prediction, Record
from imtools.segment import segment_record, segment_records, write_segment
from imtools.units import seconds_to_samples

RATE = 22050

rates = st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000]) | st.integers(1, 200000)
lengths = st.floats(0.001, 20)


def clip(num_samples: int = 3 * RATE, rate: int = RATE, **keys: object) -> Record:
    start = keys.pop("start", 0.0)
    return Record("a/b", "a.wav", start, num_samples / rate, rate, num_samples, **keys)  # type: ignore[arg-type]


def spans(pieces: list[Record], rate: int, origin: float = 0.0) -> list[tuple[int, int]]:
    """Start and length in samples of the parent, as the loader will round them."""
    return [(seconds_to_samples(p.start - origin, rate), p.num_samples) for p in pieces]


@given(
    rate=rates,
    length=lengths,
    num_samples=st.integers(1, 10**6),
    tail=st.sampled_from(["drop", "pad", "keep"]),
)
def test_pieces_tile_the_signal(rate: int, length: float, num_samples: int, tail: str) -> None:
    size = round(length * rate)
    assume(length * rate >= 1 and num_samples / size < 300)
    if tail == "drop" and num_samples < size:
        with pytest.raises(AudioError, match="shorter than one segment"):
            segment_record(clip(num_samples, rate), length=length, tail=tail)
        return
    pieces = segment_record(clip(num_samples, rate), length=length, tail=tail)
    assert len({p.id for p in pieces}) == len(pieces)
    for k, (start, count) in enumerate(spans(pieces, rate)):
        assert start == round(k * length * rate)
        assert count == (size if tail != "keep" else min(size, num_samples - start))
        if k + 1 < len(pieces):  # half a sample of length adds up to at most one of gap or overlap
            assert abs(start + count - round((k + 1) * length * rate)) <= 1
    end = seconds_to_samples(pieces[-1].start, rate) + pieces[-1].num_samples
    padding = round(pieces[-1].padding * rate)
    assert all(p.padding == 0 for p in pieces[:-1])
    if tail == "drop":
        assert end <= num_samples
        assert num_samples - end <= size + 1
    elif end - padding != num_samples:  # the end may fall into such a gap of one sample
        assert num_samples - end == 1


@given(rate=rates, hop=st.floats(0.001, 3), samples=st.integers(1, 50), total=st.integers(1, 5000))
def test_starts_do_not_drift_and_ids_differ(rate: int, hop: float, samples: int, total: int) -> None:
    assume(hop * rate >= 1 and total >= samples)
    pieces = segment_record(clip(total, rate), length=samples / rate, hop=hop)
    expected = [k for k in range(total) if round(k * hop * rate) + samples <= total]
    assert spans(pieces, rate) == [(round(k * hop * rate), samples) for k in expected]
    assert len({p.id for p in pieces}) == len(pieces)
    assert [p.id for p in pieces] == sorted(p.id for p in pieces)
    assert all(re.fullmatch(r"a/b-\d{9}-\d{9}", p.id) for p in pieces)


@given(length=st.floats(0.01, 2), hop=st.floats(0.01, 2), total=st.integers(1, 5 * RATE))
def test_there_is_one_tail_at_most_and_it_reaches_the_end(length: float, hop: float, total: int) -> None:
    kept = segment_record(clip(total), length=length, hop=hop, tail="keep")
    padded = segment_record(clip(total), length=length, hop=hop, tail="pad")
    size = round(length * RATE)
    assert [p.start for p in kept] == [p.start for p in padded]
    assert all(p.num_samples == size for p in kept[:-1])
    for short, full in zip(kept, padded, strict=True):
        assert full.num_samples == size
        assert full.num_samples - round(full.padding * RATE) == short.num_samples
        assert full.source == short.source
        assert seconds_to_samples(short.source["duration"], RATE) == short.num_samples


def test_names_times_and_source() -> None:
    parent = clip(4 * RATE, start=10.0, source={"dataset": "irmas", "audio": "x.wav"}, groups=["g"], fold=3)
    first, second = segment_record(parent, length=1.5, hop=1.5)
    assert second.id == "a/b-000011500-000013000"
    assert (second.audio, second.start, second.duration, second.num_samples) == ("a.wav", 11.5, 1.5, 33075)
    assert second.source == {"dataset": "irmas", "audio": "x.wav", "start": 11.5, "duration": 1.5}
    assert (first.groups, first.fold) == (["g"], 3)
    (again, *_) = segment_record(second, length=0.5)  # source.start tells where the record itself begins
    assert again.source["start"] == 11.5
    moved = segment_record(second.replace(start=0.0, audio="b.wav"), length=0.5)[2]
    assert (moved.start, moved.source["start"]) == (1.0, 12.5)
    assert moved.id == "a/b-000011500-000013000-000012500-000013000"


def test_labels_follow_their_time_and_what_describes_the_whole_is_dropped() -> None:
    parent = clip(
        labels=[
            Label("everywhere"),
            Label("across", start=0.5, duration=1.0, role="solo", extra={"x": 1}),
            Label("onset", start=1.0, duration=0.0),
            Label("later", start=2.25, duration=5.0),
            Label("from", start=1.75),
            Label("until", duration=0.25),
        ],
        predictions=[Prediction("m", "p", 0.5)],
        features={"cqt": FeatureRef("f.npy", 0, (1,), "float32", "sha256:0")},
    )
    pieces = segment_record(parent, length=1.0)
    found = [[(x.label, x.start, x.duration) for x in p.labels] for p in pieces]
    assert found == [
        [("everywhere", None, None), ("across", 0.5, 0.5), ("until", 0.0, 0.25)],
        [("everywhere", None, None), ("across", 0.0, 0.5), ("onset", 0.0, 0.0), ("from", 0.75, 0.25)],
        [("everywhere", None, None), ("later", 0.25, 0.75), ("from", 0.0, 1.0)],
    ]
    assert (pieces[1].labels[1].role, pieces[1].labels[1].extra) == ("solo", {"x": 1})
    assert all(not p.features and not p.predictions for p in pieces)
    assert parent.labels[1].duration == 1.0


def test_a_mix_recipe_is_cut_like_its_rendering() -> None:
    mix = {"sync": "pitch", "tracks": [{"id": "t"}]}
    pieces = segment_record(clip().replace(audio=None, mix=mix), length=1.0)
    assert [(p.audio, p.mix, p.start, p.duration) for p in pieces] == [
        (None, mix, k, 1.0) for k in (0.0, 1.0, 2.0)
    ]
    with pytest.raises(AudioError, match="features only"):
        segment_record(clip().replace(audio=None), length=1.0)


def test_bad_choices_are_usage_errors() -> None:
    for choice in (
        {"length": 0.0},
        {"length": float("nan")},
        {"length": 1.0, "hop": 0.0005},
        {"length": 1.0, "tail": "cut"},
        {"length": 1.0, "sampling_rate": 0},
        {"length": 1.0, "normalize": "loud"},
        {"length": 0.00001},
    ):
        with pytest.raises(UsageError):
            segment_record(clip(), **choice)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="less than one sample at 100 Hz"):
        segment_record(clip(500, 100), length=1.0, hop=0.005)
    with pytest.raises(AudioError, match="no samples"):
        segment_record(clip(0), length=1.0, tail="pad")


@pytest.fixture
def noisy(tmp_path: Path) -> Record:
    rng = np.random.default_rng(0)
    path = tmp_path / "noise.wav"
    write(path, rng.uniform(-0.5, 0.5, (2, round(3.7 * 44100))), 44100, "wav")
    info = probe(path)
    return Record("n/x", str(path), 0.0, info.num_samples / 44100, 44100, info.num_samples)


@pytest.mark.parametrize("rate", [None, 22050, 16000, 48000])
@pytest.mark.parametrize("tail", ["drop", "pad", "keep"])
def test_segments_load_as_slices_of_the_whole(noisy: Record, rate: int | None, tail: str) -> None:
    target = rate or 44100
    whole = np.concatenate(list(stream(noisy.audio or "", rate)), axis=1)[0]
    whole = np.pad(whole, (0, target))
    pieces = segment_record(noisy, length=1 / 3, hop=0.31, tail=tail, sampling_rate=rate)
    for piece in pieces:
        start = seconds_to_samples(piece.start, target)
        samples = load(piece)
        assert len(samples) == piece.num_samples
        there = len(samples) - seconds_to_samples(piece.padding, target)
        assert np.abs(samples[:there] - whole[start : start + there]).max() <= 2e-6
        assert not samples[there:].any()
    full = pieces if tail != "keep" else pieces[:-1]
    assert {p.num_samples for p in full} == {seconds_to_samples(1 / 3, target)}
    assert (pieces[-1].padding > 0) == (tail == "pad")


def test_segments_of_a_padded_record_are_slices_of_it(noisy: Record) -> None:
    parent = segment_record(noisy, length=2.0, tail="pad")[-1]
    assert parent.padding == pytest.approx(0.3)
    signal = load(parent)
    for tail, count in (("drop", 4), ("pad", 4), ("keep", 4)):
        pieces = segment_record(parent, length=0.45, tail=tail)
        assert len(pieces) == count
        joined = np.concatenate([load(p) for p in pieces])
        assert np.array_equal(joined, signal[: len(joined)])
    fine = segment_record(parent, length=0.1)
    assert len(fine) == 17  # the last three tenths are padding only
    assert segment_record(parent, length=1.9, tail="drop")[0].padding == pytest.approx(0.2)


def test_normalisation_is_per_segment(noisy: Record) -> None:
    pieces = segment_record(noisy, length=1.0, normalize="peak")
    assert all(np.abs(load(p)).max() == pytest.approx(1) for p in pieces)
    assert segment_record(pieces[0], length=0.5)[0].normalize == "peak"


@pytest.mark.parametrize("fmt", ["flac", "wav"])
def test_a_written_segment_holds_what_its_pointer_loads(noisy: Record, tmp_path: Path, fmt: str) -> None:
    pointer = segment_record(noisy, length=1.5, tail="pad", sampling_rate=22050, normalize="peak")[-1]
    pointer = pointer.replace(labels=[Label("cel")], channels=[1, 0])
    written = write_segment(pointer, tmp_path / "out", fmt)
    assert written.audio == str(tmp_path / "out" / "audio" / f"{pointer.id}.{fmt}")
    assert (written.start, written.duration, written.num_samples) == (0.0, 1.5, 33075)
    assert (written.padding, written.normalize, written.channels) == (0.0, None, None)
    assert written.source["audio"] == noisy.audio
    assert written.source["start"] == 3.0
    assert written.source["duration"] == pytest.approx(0.7)
    assert (written.id, written.labels) == (pointer.id, pointer.labels)
    expected = load(pointer, mono=False)
    assert np.abs(load(written, mono=False) - expected).max() <= (2**-23 if fmt == "flac" else 0)
    assert probe(written.audio or "").num_samples == 33075


def test_unit_rms_wants_wav(noisy: Record, tmp_path: Path) -> None:
    (piece, *_) = segment_record(noisy, length=1.0, normalize="rms")
    with pytest.raises(UsageError, match="`fmt=wav`"):
        write_segment(piece, tmp_path, "flac")
    written = write_segment(piece, tmp_path, "wav")
    assert np.sqrt(np.mean(np.square(load(written, mono=False)))) == pytest.approx(1, abs=1e-5)


def test_real_clips_tile(shared_dir: Path) -> None:
    for suffix in ("mp3", "ogg", "flac"):
        path = sorted((shared_dir / "audio").rglob(f"*.{suffix}"))[7]
        info = probe(path)
        record = Record(
            "c", str(path), 0.0, info.num_samples / info.sampling_rate, info.sampling_rate, info.num_samples
        )
        pieces = segment_record(record, length=0.25, tail="keep")
        joined = np.concatenate([load(p) for p in pieces])
        assert np.array_equal(joined, load(record))


def test_records_are_cut_one_after_the_other() -> None:
    records = [clip(RATE).replace(id=name) for name in ("a", "b/c")]
    expected = [piece for record in records for piece in segment_record(record, length=0.3, tail="keep")]
    assert list(segment_records(iter(records), length=0.3, tail="keep")) == expected


def test_a_bad_record_does_not_spoil_those_before_it() -> None:
    pieces = segment_records([clip(RATE), clip(100)], length=0.9)
    assert next(pieces).num_samples == round(0.9 * RATE)
    with pytest.raises(AudioError, match="pass `tail=pad` or `tail=keep`, or a smaller `length`"):
        list(pieces)
