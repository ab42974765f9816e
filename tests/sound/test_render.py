"""Rendering of tracks that are stretched, shifted, changed, repeated and levelled; pydub's sum."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import numpy as np
import pydub
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.audio.levels import rms
from imtools.audio.load import load
from imtools.effects import parse_effect
from imtools.errors import AudioError, ManifestError, UsageError
from imtools.manifest import Label, Record
from imtools.mix import MixSettings, mix_records
from imtools.sound.labels import track_labels, united_labels
from imtools.sound.overlay import overlay, overlay_pydub
from imtools.sound.recipe import MixTrack, Recipe
from imtools.sound.render import render, track_sound

RATE = 22050


@pytest.fixture
def tone(tmp_path: Path) -> Record:
    time = np.arange(RATE) / RATE
    soundfile.write(tmp_path / "tone.wav", 0.3 * np.sin(2 * np.pi * 440 * time), RATE, subtype="FLOAT")
    keys = {"start": 0.0, "duration": 1.0, "sampling_rate": RATE, "num_samples": RATE}
    return Record(id="tone", audio=str(tmp_path / "tone.wav"), labels=[Label("a")], **keys)


def mixed(*tracks: MixTrack, seconds: float = 1.0, **more) -> Record:
    size = {"start": 0.0, "duration": seconds, "sampling_rate": RATE, "num_samples": round(seconds * RATE)}
    return Record(id="mix", audio=None, mix=Recipe("none", 0, tracks, **more).to_json(), **size)


def changed(record: Record, **changes) -> MixTrack:
    return dataclasses.replace(MixTrack.from_record(record), **changes)


def frequency(wave: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**19))
    return spectrum.argmax() * RATE / 2**19


# --- tracks ---


@pytest.mark.parametrize("rate", [RATE, 16000])
@settings(max_examples=15, deadline=None)
@given(
    stretch=st.sampled_from([0.5, 0.73, 1.0, 1.37]),
    length=st.none() | st.integers(0, 50000),
    pad=st.booleans(),
)
def test_a_track_has_as_many_samples_as_it_says(tmp_path_factory, rate, stretch, length, pad):
    path = tmp_path_factory.mktemp("x") / "x.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(4000), RATE, subtype="FLOAT")
    keys = {"start": 0.0, "duration": 4000 / RATE, "sampling_rate": RATE, "num_samples": 4000}
    effects = (parse_effect({"effect": "pad", "before": 0.1, "duration": 0.9}, "x"),) if pad else ()
    track = changed(Record(id="x", audio=str(path), **keys), stretch=stretch, length=length, effects=effects)
    assert len(track_sound(track, rate, mono=True, stretcher="signalsmith")) == track.num_samples(rate)


def test_a_track_is_repeated_from_its_beginning_or_cut(tone):
    whole = load(tone)
    longer = track_sound(changed(tone, length=50000), RATE, mono=True)
    np.testing.assert_array_equal(longer, np.concatenate([whole, whole, whole])[:50000])
    np.testing.assert_array_equal(track_sound(changed(tone, length=100), RATE, mono=True), whole[:100])


def test_shifts_and_stretches_are_rendered(tone):
    up = render(mixed(changed(tone, shift=((0, 12.0),)), stretcher="signalsmith"))
    assert frequency(up) == pytest.approx(880, rel=0.003)
    slow = render(mixed(changed(tone, stretch=1.5), stretcher="signalsmith", seconds=1.5))
    assert len(slow) == round(1.5 * RATE)
    assert frequency(slow) == pytest.approx(440, rel=0.003)


def test_a_curve_lies_at_the_same_time_at_any_rate(tone):
    track = changed(tone, shift=((0, 0.0), (11025, 12.0)))
    assert track.shift_at(44100) == ((0, 0.0), (22050, 12.0))
    late = track_sound(track, 16000, mono=True, stretcher="signalsmith")[9000:]
    spectrum = np.abs(np.fft.rfft(late * np.hanning(len(late)), 2**19))
    assert spectrum.argmax() * 16000 / 2**19 == pytest.approx(880, rel=0.003)


def test_effects_come_after_stretching_in_their_order(tone):
    crop = parse_effect({"effect": "crop", "start": 1.0, "duration": 0.5}, "x")
    inverted = parse_effect({"effect": "polarity"}, "x")
    track = changed(tone, stretch=2.0, effects=(crop, inverted))
    whole = track_sound(changed(tone, stretch=2.0), RATE, mono=True, stretcher="signalsmith")
    found = track_sound(track, RATE, mono=True, stretcher="signalsmith")
    np.testing.assert_array_equal(found, -whole[RATE : RATE + RATE // 2])


@pytest.mark.parametrize("snr", [-6.0, 0.0, 12.5])
def test_an_snr_sets_the_level_under_the_first_track(tone, snr):
    quiet = changed(tone, gain_db=0.0, snr_db=snr, effects=(parse_effect({"effect": "polarity"}, "x"),))
    together = render(mixed(MixTrack.from_record(tone), quiet))
    second = load(tone) - together  # inverted
    assert 20 * np.log10(rms(load(tone)) / rms(second)) == pytest.approx(snr, abs=1e-3)


def test_an_snr_of_silence_changes_nothing(tone, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    silence = tone.replace(id="silence", audio=str(tmp_path / "silence.wav"))
    for first, second in ((tone, silence), (silence, tone)):
        found = render(mixed(MixTrack.from_record(first), changed(second, snr_db=40.0)))
        np.testing.assert_array_equal(found, load(tone))


def test_no_track_is_silence():
    silence = mixed(seconds=0.5)
    assert render(silence).shape == (RATE // 2,)
    assert render(silence, mono=False).shape == (1, RATE // 2)
    assert not render(silence).any()
    later = silence.replace(start=3.0, num_samples=10, duration=10 / RATE, normalize="rms")
    assert not render(later).any()


# --- recipes of the new kind ---


def test_recipes_with_everything_survive_json(tone):
    effects = tuple(
        parse_effect(one, "x")
        for one in (
            {"effect": "noise", "snr_db": 20.0, "color": "pink", "seed": 3},
            {"effect": "filter", "kind": "lowpass", "frequency": 4000.0, "order": 4},
        )
    )
    track = changed(tone, stretch=1.25, shift=((0, 1.5), (400, -3.0)), length=9, snr_db=3.0, effects=effects)
    recipe = Recipe("tempo+pitch", 3, [track], -1.0, "pydub", "signalsmith", {"polyphony": 1})
    again = Recipe.from_json(recipe.to_json())
    assert again.to_json() == recipe.to_json()
    assert again.tracks[0] == track
    assert (again.renderer, again.stretcher) == ("pydub", "signalsmith")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("shift", [[5, 1.0]], "must begin at sample 0"),
        ("shift", [[0, 1.0], [0, 2.0]], "must begin at sample 0 and go forward"),
        ("shift", [[0]], "a sample and a number of semitones"),
        ("stretch", 0, "at least 0.01"),
        ("length", -1, "is negative"),
        ("effects", [{"effect": "reverse"}], "is 'reverse', but must be one of"),
        ("effects", [{"effect": "noise"}], "snr_db"),
        ("snr_db", "loud", "must be a number"),
    ],
)
def test_wrong_values_are_named(tone, key, value, message):
    block = Recipe("none", 0, [MixTrack.from_record(tone)]).to_json()
    block["tracks"][0][key] = value
    with pytest.raises(ManifestError, match=message) as caught:
        Recipe.from_json(block, "record m")
    assert str(caught.value).startswith("record m: key")
    assert key in str(caught.value)


def test_wrong_renderers_and_stretchers_are_named(tone, monkeypatch):
    with pytest.raises(ManifestError, match=r"mix\.renderer.*must be one of float, pydub"):
        Recipe.from_json({"sync": "none", "seed": 0, "tracks": [], "renderer": "sox"})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"rubberband, which is not installed; install it .*signalsmith"):
        render(mixed(changed(tone, stretch=2.0), stretcher="rubberband"))


# --- pydub ---


def segment(wave: np.ndarray, rate: int) -> pydub.AudioSegment:
    data = (wave * 32768).round().clip(-32768, 32767).astype("<i2").tobytes()
    return pydub.AudioSegment(data=data, sample_width=2, frame_rate=rate, channels=1)


def test_the_pydub_renderer_is_pydub():
    random = np.random.default_rng(0)
    a, b = (0.5 * random.standard_normal(8000).astype(np.float32) for _ in "ab")
    expected = segment(a, 8000).overlay(segment(b, 8000).apply_gain(-3.0), position=250)
    found = overlay_pydub([a, b], offsets=[0, 2000], gains_db=[0.0, -3.0])
    np.testing.assert_array_equal(found * 32768, np.frombuffer(expected.raw_data, "<i2"))
    assert found.max() <= 32767 / 32768
    assert found.min() == -1.0


@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.integers(0, 50))
def test_both_renderers_agree_up_to_16_bits(lengths, offset):
    random = np.random.default_rng(0)
    tracks = [0.3 / len(lengths) * random.uniform(-1, 1, n).astype(np.float32) for n in lengths]
    offsets = [0, *[offset] * (len(tracks) - 1)]
    ours, theirs = overlay(tracks, offsets=offsets), overlay_pydub(tracks, offsets=offsets)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(theirs, ours, atol=(len(tracks) + 1) / 65536)


def test_pydub_lays_mono_over_stereo():
    stereo, mono = np.array([[0.25, 0.25], [0.5, 0.5]], np.float32), np.full((1, 2), 0.125, np.float32)
    assert overlay_pydub([mono, stereo]).tolist() == [[0.375, 0.375], [0.625, 0.625]]


def test_pydub_renders_recipes(tone):
    found = render(
        mixed(MixTrack.from_record(tone), changed(tone, gain_db=-6.0), renderer="pydub", gain_db=-1.0)
    )
    exact = render(mixed(MixTrack.from_record(tone), changed(tone, gain_db=-6.0), gain_db=-1.0))
    np.testing.assert_allclose(found, exact, atol=3 / 32768)
    np.testing.assert_array_equal(found * 32768, np.round(found * 32768))


# --- what rendering may rely on ---


def stereo(tmp_path: Path, name: str, right: float) -> Record:
    """A tone on the left, and so much of it on the right."""
    time = np.arange(RATE) / RATE
    left = 0.3 * np.sin(2 * np.pi * 330 * time)
    soundfile.write(tmp_path / name, np.stack([left, right * left], axis=1), RATE, subtype="FLOAT")
    keys = {"start": 0.0, "duration": 1.0, "sampling_rate": RATE, "num_samples": RATE}
    return Record(id=name[0], audio=str(tmp_path / name), labels=[Label("b")], **keys)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"snr_db": 3.0},
        {"effects": (parse_effect({"effect": "noise", "snr_db": 10.0, "color": "white", "seed": 1}, "x"),)},
        {"stretch": 1.2},
    ],
)
def test_mono_is_the_mean_of_the_channels_of_the_mix(tone, tmp_path, changes):
    wide = changed(stereo(tmp_path, "wide.wav", -0.8), **changes)
    for renderer in ("float", "pydub"):
        mix = mixed(MixTrack.from_record(tone), wide, stretcher="signalsmith", renderer=renderer)
        np.testing.assert_allclose(render(mix), render(mix, mono=False).mean(axis=0), atol=1e-6)


def test_segments_of_a_mix_are_those_of_the_whole_in_any_order(tone, tmp_path):
    mix = mixed(MixTrack.from_record(tone), changed(tone, stretch=1.1, length=RATE), stretcher="signalsmith")
    whole = render(mix)
    size = {"duration": 0.25, "num_samples": RATE // 4}
    for start in (0.5, 0.0, 0.25, 0.5):
        begin = round(start * RATE)
        part = render(mix.replace(start=start, **size))
        np.testing.assert_array_equal(part, whole[begin : begin + RATE // 4])
    other = mixed(changed(tone, gain_db=-6.0))
    assert not np.array_equal(render(other.replace(start=0.5, **size)), part)


def test_of_a_long_track_no_more_is_loaded_than_is_heard(tone, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.wav", 0.1 * np.ones(RATE * 60), RATE, subtype="FLOAT")
    size = {"start": 0.0, "duration": 60.0, "sampling_rate": RATE, "num_samples": 60 * RATE}
    long = Record(id="long", audio=str(tmp_path / "long.wav"), **size)
    loaded = []
    module = importlib.import_module("imtools.sound.render")  # the package has a function of that name
    monkeypatch.setattr(
        module, "load_cached", lambda one, **more: loaded.append(one.num_samples) or load(one, **more)
    )
    found = render(mixed(MixTrack.from_record(tone), changed(long, stretch=2.0), stretcher="signalsmith"))
    assert len(found) == RATE
    assert max(loaded) <= 1.1 * RATE


@pytest.mark.parametrize("rate", [14000, 17500, 22000])
def test_large_stretches_can_be_read_at_any_rate(tone, rate):
    slow = changed(tone, stretch=8.0)
    record = mixed(slow, stretcher="signalsmith", seconds=8.0)
    record = record.replace(num_samples=slow.num_samples(RATE))
    at_rate = record.at_rate(rate)
    assert len(render(at_rate)) == at_rate.num_samples


def test_what_is_too_long_is_refused(tone):
    endless = changed(tone, length=2**40)
    with pytest.raises(AudioError, match=r"record tone: .* s of it are too long for a mix"):
        render(mixed(endless))


# --- labels with times ---


def timed(*spans: tuple[float, float], seconds: float = 10.0) -> Record:
    labels = [Label("a", start=start, duration=stop - start) for start, stop in spans]
    size = {"start": 0.0, "duration": seconds, "sampling_rate": 100, "num_samples": round(100 * seconds)}
    return Record(id="t", audio="t.wav", labels=labels, **size)


def spans(labels: list[Label]) -> list[tuple[float, float]]:
    return [(round(x.start or 0, 6), round((x.start or 0) + (x.duration or 0), 6)) for x in labels]


def test_labels_go_where_their_sound_goes():
    record = timed((0, 1), (5, 7))
    track = MixTrack.from_record(record)
    assert spans(track_labels(record, track, 10.0)) == [(0, 1), (5, 7)]
    later = dataclasses.replace(track, offset=2.0)
    assert spans(track_labels(record, later, 6.5)) == [(2, 3)]
    assert spans(track_labels(record, later, 8.0)) == [(2, 3), (7, 8)]
    slow = dataclasses.replace(track, stretch=2.0, offset=1.0)
    assert spans(track_labels(record, slow, 100.0)) == [(1, 3), (11, 15)]


def test_labels_are_repeated_with_their_sound():
    record = timed((1, 2), seconds=4.0)
    track = dataclasses.replace(MixTrack.from_record(record), length=1000)
    assert spans(track_labels(record, track, 100.0)) == [(1, 2), (5, 6), (9, 10)]
    cut = dataclasses.replace(track, length=150)
    assert spans(track_labels(record, cut, 100.0)) == [(1, 1.5)]


def test_a_class_throughout_one_source_is_present_throughout():
    record, other = timed((0, 1), (5, 7)), timed()
    other = other.replace(labels=[Label("a", 0.8)])
    tracks = [MixTrack.from_record(one) for one in (record, other)]
    moved = [track_labels(one, track, 10.0) for one, track in zip((record, other), tracks, strict=True)]
    assert united_labels([record, other], moved) == [Label("a", 0.8)]
    assert spans(united_labels([record], moved[:1])) == [(0, 1), (5, 7)]


def test_a_track_that_would_not_be_heard_is_refused():
    size = {"start": 0.0, "duration": 1.0, "sampling_rate": 100, "num_samples": 100}
    records = [Record(id=n, audio=f"{n}.wav", labels=[Label(n)], groups=[n], **size) for n in "ab"]
    with pytest.raises(AudioError, match=r"record b: would begin at 1\.5 s of a mix of 1 s"):
        mix_records(records, MixSettings(offset=(1.5, 1.5)))


def test_tracks_whose_channels_do_not_fit_are_mixed_as_mono(tone, tmp_path):
    wide = stereo(tmp_path, "wide.wav", 0.5)
    waves = 0.1 * np.random.default_rng(0).standard_normal((RATE, 6))
    soundfile.write(tmp_path / "six.wav", waves, RATE, subtype="FLOAT")
    six = wide.replace(id="six", audio=str(tmp_path / "six.wav"))
    mix = mixed(MixTrack.from_record(wide), MixTrack.from_record(six))
    found = render(mix, mono=False)
    assert found.shape == (1, RATE)
    np.testing.assert_allclose(found[0], load(wide) + load(six), atol=1e-6)
    np.testing.assert_allclose(render(mix), found[0], atol=1e-6)
