"""Features of records, files and arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.api import features as api_features
from imtools.api.features import extract_features
from imtools.api.sources import open_source
from imtools.errors import AudioError, FeatureError, UsageError
from imtools.features import KINDS, PRESETS, front_end, loading
from imtools.features.store import FeatureReader
from imtools.manifest.stream import read_manifest
from paths import EXAMPLES
from signals import RATE, signal

LONG = {"vaznonis2022-fft", "fft"}
"""Front ends that take long clips only."""


@pytest.fixture(scope="module")
def stereo() -> np.ndarray:
    """Two seconds of two channels at 48 kHz."""
    return 0.3 * np.random.default_rng(5).standard_normal((2, 96_000)).astype(np.float32)


@pytest.mark.parametrize("name", sorted({*PRESETS, *KINDS} - LONG))
def test_an_array_has_the_features_of_its_file(name: str, stereo: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo.T, 48_000, subtype="FLOAT")
    features = extract_features((stereo, 48_000), name)
    model = front_end(name) if name in PRESETS else front_end(kind=name)
    assert features.dtype == np.float32
    assert features.shape == (model.bins, model.frames(round(2 * model.sampling_rate)))
    for source in (path, str(path), open_source(path)[0]):
        assert np.array_equal(extract_features(source, name), features)
    assert np.array_equal(extract_features((stereo.astype(float), 48_000), model), features)


@pytest.mark.parametrize("held", [0, 2**24])
@pytest.mark.parametrize("name", ["kratimenos2020", "chen2024"])
def test_long_sources_pass_in_slices(name: str, held: int, stereo: np.ndarray, monkeypatch) -> None:
    whole = extract_features((stereo, 48_000), name)
    monkeypatch.setattr(loading, "MAX_WHOLE_SAMPLES", 1000)
    monkeypatch.setattr(api_features, "MAX_DECODED_SAMPLES", held)
    np.testing.assert_allclose(extract_features((stereo, 48_000), name), whole, atol=1e-3)


def test_the_command_stores_the_same_numbers(run, tmp_path: Path) -> None:
    clip = sorted(EXAMPLES.rglob("*.flac"))[0]
    result = run("im-features", "--preset", "han2017", "-o", str(tmp_path / "f"), str(clip), cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    (record,) = read_manifest(tmp_path / "f" / "manifest.jsonl")
    stored = FeatureReader().read(record.features["mel"])
    np.testing.assert_allclose(extract_features(clip, "han2017"), stored, atol=1e-4)


def test_the_rate_can_be_chosen() -> None:
    y = signal("noise", RATE)
    features = extract_features((y, RATE), "mel", sampling_rate=16_000)
    assert np.array_equal(features, extract_features((y, RATE), front_end(kind="mel", sampling_rate=16_000)))
    with pytest.raises(UsageError, match="takes waveforms at 22050 Hz, not 16000 Hz"):
        extract_features((y, RATE), front_end(kind="mel"), sampling_rate=16_000)


def test_what_has_no_features_is_refused(tmp_path: Path) -> None:
    y = signal("noise", RATE)
    with pytest.raises(
        UsageError, match="no preset or kind of front end 'mfcc'; choose from kratimenos2020,"
    ):
        extract_features((y, RATE), "mfcc")
    with pytest.raises(FeatureError, match="record array: a waveform of 44100 samples is too long"):
        extract_features((y, RATE), front_end(kind="fft", n_fft=1000))
    with pytest.raises(AudioError, match=r"none\.wav"):
        extract_features(tmp_path / "none.wav")
    record = open_source((y, RATE))[0]
    with pytest.raises(FeatureError, match="has no audio to compute features from"):
        extract_features(record)
