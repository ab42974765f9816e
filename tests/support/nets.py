"""Small features that a small net can learn, for the tests of models, training and prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from imtools.features import from_config
from imtools.features.front_ends.base import FrontEnd
from imtools.features.sidecar import describe
from imtools.features.store import ShardWriter
from imtools.manifest import Label, Record
from imtools.models.description import Description
from imtools.train import TrainConfig
from imtools.train.examples.data import features_of
from imtools.train.examples.rows import FeatureRows, kind_of, stored_rows
from imtools.train.fit import fit as carry_out
from imtools.train.loop.engine import Report
from imtools.train.plan import make_plan
from imtools.train.pretrained import read_base

RATE = 8000
CLASSES = ("bass", "flute", "organ")
CONFIG = {
    "kind": "mel", "sampling_rate": RATE, "n_fft": 256, "hop_length": 200, "n_mels": 36,
    "normalize": "none", "ref": "max",
}  # fmt: skip
FREQUENCIES = {"bass": 300.0, "flute": 1000.0, "organ": 2500.0}


def small_front_end() -> FrontEnd:
    return from_config(CONFIG)


def tone(label: str, seed: int, seconds: float = 1.0) -> np.ndarray:
    """Return a noisy tone that stands for an instrument, float32."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = FREQUENCIES[label] * rng.uniform(0.9, 1.1)
    signal = np.sin(2 * np.pi * frequency * time) + 0.05 * rng.standard_normal(len(time))
    return signal.astype(np.float32)


def make_records(
    folder: Path, count: int = 24, *, folds: int | None = 2, complete: bool = True, groups: int = 12
) -> list[Record]:
    """Return records of tones with stored features (and no audio), the classes in turn."""
    front_end = small_front_end()
    labels = [CLASSES[i % len(CLASSES)] for i in range(count)]
    waveforms = torch.from_numpy(np.stack([tone(label, i) for i, label in enumerate(labels)]))
    describe(folder, front_end)
    with ShardWriter(folder, "mel") as writer:
        refs = writer.append(front_end(waveforms).numpy(), front_end.config_hash)
    return [
        Record(
            id=f"tone/{i:03d}",
            audio=None,
            start=0.0,
            duration=1.0,
            sampling_rate=RATE,
            num_samples=RATE,
            groups=[f"song/{i % groups}"],
            fold=None if folds is None else i % groups % folds,
            labels=[Label(label)],
            labels_complete=complete,
            features={"mel": ref},
            source={"dataset": "tones", "license": "CC0-1.0"},
        )
        for i, (label, ref) in enumerate(zip(labels, refs, strict=True))
    ]


def quick_config(**changes: object) -> TrainConfig:
    """Return settings for a training of about a second, with changes."""
    settings: dict[str, object] = {
        "width": 0.06, "epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "schedule": "onecycle",
    }  # fmt: skip
    return TrainConfig(**(settings | changes))  # type: ignore[arg-type]


def fit(
    records: list[Record],
    folder: Path,
    config: TrainConfig,
    *,
    rows: FeatureRows | None = None,
    transform: FrontEnd | None = None,
    extend: Path | None = None,
    init: Path | None = None,
    dtype: torch.dtype = torch.float32,
    resume: bool = False,
    report: Report | None = None,
) -> Description:
    """Train with these very settings, on stored features or on other rows (waveforms, with a transform)."""
    if rows is None:
        rows = stored_rows(records, kind_of(records, config.features))
    front_end, shape = features_of(rows, transform)
    base = read_base(extend, init)
    plan = make_plan(records, config, front_end, shape, on_the_fly=transform is not None, base=base)
    return carry_out(folder, plan, rows, dtype=dtype, resume=resume, report=report)


def make_sounds(folder: Path, count: int = 24, seconds: tuple[float, ...] = (1.0,)) -> list[Record]:
    """Return the records of `make_records` with audio files of several lengths, and without features."""
    folder.mkdir(exist_ok=True)
    records = []
    for i in range(count):
        label, length = CLASSES[i % 3], seconds[i % len(seconds)]
        path = folder / f"{i:03d}.wav"
        soundfile.write(path, tone(label, i, length), RATE, subtype="FLOAT")
        samples = round(length * RATE)
        records.append(
            Record(
                f"tone/{i:03d}", str(path), 0.0, length, RATE, samples, groups=[f"song/{i % 12}"],
                fold=i % 2, labels=[Label(label)], labels_complete=True,
            )
        )  # fmt: skip
    return records


def make_mix(records: list[Record]) -> Record:
    """Return a mix whose recipe adds records as they are."""
    tracks = [
        {
            "id": r.id, "audio": r.audio, "start": r.start, "duration": r.duration, "offset": 0.0,
            "sampling_rate": r.sampling_rate, "num_samples": r.num_samples, "gain_db": 0.0,
        }
        for r in records
    ]  # fmt: skip
    return records[0].replace(
        id="mix/0",
        audio=None,
        mix={"sync": "none", "seed": 0, "gain_db": 0.0, "tracks": tracks},
        groups=[group for r in records for group in r.groups],
        labels=[label for r in records for label in r.labels],
    )
