"""The classical descriptors, one by one against librosa, and the flux against its definition."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
import torch

from imtools.errors import UsageError
from imtools.features import front_end
from imtools.features.front_ends.base import FrontEnd
from imtools.features.parameters import DescriptorsParameters
from imtools.features.streaming import stream
from paths import EXAMPLES
from signals import RATE, recordings, signal, transform

CHOICES: list[dict[str, Any]] = [
    {},
    {"n_fft": 1000, "hop_length": 300, "n_mels": 40, "n_mfcc": 13, "n_bands": 4, "roll_percent": 0.5},
    {"n_fft": 511, "hop_length": 700, "n_mels": 20, "n_mfcc": 20},
]


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    """Real recordings with a little noise, so that no level is that of a rounding error."""
    noise = [signal("noise", 3 * RATE + 9, seed)[: 3 * RATE + seed] / 1000 for seed in range(4)]
    real = recordings(EXAMPLES, 4)
    return [clip + some[: len(clip)] for clip, some in zip(real, noise, strict=True)] + [
        signal("noise", RATE),
        signal("sweep", RATE) + signal("noise", RATE) / 1000,
    ]


def named(model: FrontEnd, y: np.ndarray) -> dict[str, np.ndarray]:
    names = DescriptorsParameters(**{k: v for k, v in model.config.items() if k != "kind"}).names
    rows = transform(model, y)[0]
    assert rows.shape == (len(names), model.frames(len(y)))
    assert rows.dtype == np.float32
    return dict(zip(names, rows, strict=True))


def rows_of(rows: dict[str, np.ndarray], start: str) -> np.ndarray:
    return np.stack([row for name, row in rows.items() if name.startswith(start)])


def assert_relative(ours: np.ndarray, oracle: np.ndarray, tolerance: float = 1e-4) -> None:
    assert ours.shape == oracle.shape
    assert np.abs(ours - oracle).max() <= tolerance * np.abs(oracle).max()


@pytest.mark.parametrize("choice", CHOICES)
def test_librosa(choice: dict[str, Any], clips: list[np.ndarray]) -> None:
    model = front_end(kind="descriptors", **choice)
    c = model.config
    frame = {"n_fft": c["n_fft"], "hop_length": c["hop_length"]}
    sound = {"frame_length": c["n_fft"], "hop_length": c["hop_length"]}
    feature = librosa.feature
    for y in clips:
        ours = named(model, y)
        magnitude = np.abs(librosa.stft(y.astype(np.float64), **frame))
        mfcc = feature.mfcc(y=y, sr=RATE, n_mfcc=c["n_mfcc"], n_mels=c["n_mels"], **frame)
        assert_relative(rows_of(ours, "mfcc"), mfcc)
        contrast = feature.spectral_contrast(y=y, sr=RATE, n_bands=c["n_bands"], **frame)
        # The deepest valleys are rounding errors, here as there; the kind of that name has tests of its own.
        assert np.isclose(rows_of(ours, "contrast"), contrast, atol=0.01).mean() > 0.95
        assert np.abs(rows_of(ours, "contrast") - contrast).max() < 0.1
        assert_relative(ours["centroid"], feature.spectral_centroid(S=magnitude, sr=RATE, **frame)[0])
        assert_relative(ours["bandwidth"], feature.spectral_bandwidth(S=magnitude, sr=RATE, **frame)[0])
        rolloff = feature.spectral_rolloff(S=magnitude, sr=RATE, roll_percent=c["roll_percent"], **frame)[0]
        assert np.isclose(ours["rolloff"], rolloff, rtol=1e-6).mean() > 0.99
        flatness = 10 * np.log10(feature.spectral_flatness(S=magnitude))[0]
        assert_relative(ours["flatness"], flatness)
        energy = 20 * np.log10(feature.rms(y=y, **sound)[0])
        assert_relative(ours["energy"], energy)
        padded = np.pad(y, c["n_fft"] // 2)  # silence beyond the ends
        crossings = feature.zero_crossing_rate(padded, center=False, **sound)[0]
        np.testing.assert_allclose(ours["zero_crossings"], crossings, rtol=1e-6)


@pytest.mark.parametrize("choice", CHOICES)
def test_flux_is_the_change_of_the_spectrum(choice: dict[str, Any], clips: list[np.ndarray]) -> None:
    model = front_end(kind="descriptors", **choice)
    for y in clips:
        spectrum = np.abs(librosa.stft(y, n_fft=model.config["n_fft"], hop_length=model.hop_length))
        unit = spectrum / np.linalg.norm(spectrum, axis=0)
        change = np.linalg.norm(np.diff(unit, axis=1), axis=0)
        ours = named(model, y)["flux"]
        assert ours[0] == 0
        assert_relative(ours[1:], change)
        assert_relative(named(model, y / 64)["flux"], ours)  # loudness does not count


def test_what_sounds_say() -> None:
    """Noise is flat, wide and crosses zero often; a low tone is none of that; a change of tone is a flux."""
    model = front_end(kind="descriptors")
    noise, tone = (named(model, signal(name, RATE)) for name in ("noise", "tone"))
    for name in ("centroid", "bandwidth", "rolloff", "flatness", "zero_crossings"):
        assert noise[name][2:-2].min() > tone[name][2:-2].max()
    assert tone["centroid"][2:-2] == pytest.approx(110, abs=5)
    assert tone["zero_crossings"][2:-2] == pytest.approx(2 * 110 / RATE, rel=0.1)
    assert tone["energy"][2:-2] == pytest.approx(10 * np.log10(0.5**2 / 2), abs=0.2)
    time = np.arange(2 * RATE) / RATE
    changing = np.sin(2 * np.pi * np.where(time < 1, 440, 1760) * time).astype(np.float32)
    flux = named(model, changing)["flux"]
    assert abs(flux.argmax() - RATE / model.hop_length) <= 3
    assert flux.max() > 10 * np.median(flux)


def test_silence() -> None:
    rows = named(front_end(kind="descriptors"), signal("silence", RATE))
    assert all(np.isfinite(row).all() for row in rows.values())
    for name in ("centroid", "bandwidth", "rolloff", "flatness", "flux", "zero_crossings"):
        assert not rows[name].any()
    assert rows["energy"] == pytest.approx(-100)


def test_long_recordings_pass_in_slices(clips: list[np.ndarray]) -> None:
    """Row by row, because the roll-off's thousands of Hz would cover any error of the flux."""
    y = np.concatenate(clips)
    y[RATE : 2 * RATE] = 0
    model = front_end(kind="descriptors", normalize="rms")
    whole = transform(model, y)[0]
    parts = np.concatenate(list(stream(model, len(y), lambda begin, end: y[begin:end], size=30_000)), axis=1)
    assert parts.shape == whole.shape
    for ours, row in zip(parts, whole, strict=True):
        assert np.abs(ours - row).max() <= 1e-3 * max(np.abs(row).max(), 0.1)


def test_flux_does_not_break_where_frames_are_taken_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    model = front_end(kind="descriptors")
    y = signal("noise", RATE)
    whole = transform(model, y)
    monkeypatch.setattr("imtools.features.dsp.framing._SAMPLES_PER_CHUNK", 3 * 2048)
    np.testing.assert_allclose(transform(model, y), whole, rtol=1e-5, atol=1e-4)


def test_parameters_of_the_parts_are_checked() -> None:
    for wrong in ({"n_mels": 10}, {"n_bands": 9}, {"quantile": 2}, {"roll_percent": 1}, {"n_mfcc": 0}):
        with pytest.raises(UsageError, match=f"'descriptors': .*{next(iter(wrong))}"):
            front_end(kind="descriptors", **wrong)
    same = front_end(kind="descriptors", fmin=200).config_hash
    assert same == front_end(kind="descriptors", fmin=200.0).config_hash


def test_preset() -> None:
    model = front_end("bosch2012")
    assert (model.sampling_rate, model.bins, model.frames(44100)) == (44100, 27, 44)
    y = signal("noise", 44100)
    assert torch.allclose(model(torch.from_numpy(y[None])), model(torch.from_numpy(y[None] / 8)), atol=0.05)
