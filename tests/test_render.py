"""Rendering of tracks that are stretched, shifted, changed, repeated and levelled; pydub's sum."""

from __future__ import annotations

import dataclasses
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
from imtools.errors import ManifestError, UsageError
from imtools.manifest import Label, Record
from imtools.mix import MixTrack, Recipe, overlay, overlay_pydub, render
from imtools.mix.render import track_sound

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
    return dataclasses.replace(MixTrack.of(record), **changes)


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
    together = render(mixed(MixTrack.of(tone), quiet))
    second = load(tone) - together  # inverted
    assert 20 * np.log10(rms(load(tone)) / rms(second)) == pytest.approx(snr, abs=1e-3)


def test_an_snr_of_silence_changes_nothing(tone, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    silence = tone.replace(id="silence", audio=str(tmp_path / "silence.wav"))
    for first, second in ((tone, silence), (silence, tone)):
        found = render(mixed(MixTrack.of(first), changed(second, snr_db=40.0)))
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
    block = Recipe("none", 0, [MixTrack.of(tone)]).to_json()
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
    found = render(mixed(MixTrack.of(tone), changed(tone, gain_db=-6.0), renderer="pydub", gain_db=-1.0))
    exact = render(mixed(MixTrack.of(tone), changed(tone, gain_db=-6.0), gain_db=-1.0))
    np.testing.assert_allclose(found, exact, atol=3 / 32768)
    np.testing.assert_array_equal(found * 32768, np.round(found * 32768))
