"""A small library of tones and what each step of the pipeline makes of it, for the tests of the commands."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from imtools.manifest import read_manifest, write_manifest

RATE = 22050


@dataclass(frozen=True)
class Case:
    """A call of a command on an input that suits it.

    Attributes
    ----------
    name : str
        The command.
    arguments : tuple of str
        Its options; ``{out}`` and ``{space}`` stand for the output directory and the workspace.
    source : str or None
        The input, a file or folder of the workspace; ``None`` for a command that takes no records.
    writes : tuple of str
        Options that make it write a directory, where it need not.
    per_item : bool
        Whether one item's output is independent of the others.
    decodes : bool
        Whether it can be made to read every sample.
    ends : bool
        Whether it ends by itself.
    """

    name: str
    arguments: tuple[str, ...]
    source: str | None
    writes: tuple[str, ...] = ("-o", "{out}")
    per_item: bool = True
    decodes: bool = True
    ends: bool = True

    @property
    def title(self) -> str:
        """The command, and its kind if it has several."""
        return " ".join((self.name, *self.kind))

    @property
    def kind(self) -> tuple[str, ...]:
        """The kind of a command that has several."""
        return () if not self.arguments or self.arguments[0].startswith("-") else self.arguments[:1]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input, as arguments."""
        return () if self.source is None else (self.source,)

    def call(self, space: Path, out: Path | None = None) -> list[str]:
        """Return the options, with the output directory if one is given."""
        options = [*self.arguments, *(self.writes if out is not None else ())]
        return [option.format(space=space, out=out) for option in options]


TINY_NET = (
    *("--model", "gururani2018", "--width", "0.05", "--epochs", "2", "--batch", "16"),
    *("--precision", "fp32"),  # the same net on every processor
)

CASES = [
    Case("im-index", (), "lib"),
    Case("im-segment", ("--rate", "11025"), "index.jsonl"),
    Case("im-split", ("--folds", "2"), "segments.jsonl", per_item=False),
    Case("im-mix", (), "folds.jsonl", per_item=False),
    Case("im-augment", ("--gain", "-6:6"), "segments.jsonl"),
    Case("im-features", (), "segments.jsonl"),
    Case("im-train", TINY_NET, "features/manifest.jsonl", per_item=False),
    Case("im-predict", ("-m", "{space}/model"), "segments.jsonl"),
    Case("im-calibrate", ("-m", "{space}/model"), "predictions.jsonl", per_item=False),
    Case("im-threshold", (), "predictions.jsonl", writes=(), per_item=False),
    Case("im-fuse", (), "ensemble.jsonl", per_item=False),
    Case("im-score", ("--format", "jsonl"), "predictions.jsonl", writes=(), per_item=False),
    Case("im-plot", ("spectrogram", "-o", "{out}.png"), "index.jsonl", writes=(), per_item=False),
    Case(
        "im-report",
        ("kratimenos2020", "-o", "{out}.html", "mono={space}/scores.jsonl"),
        None,
        writes=(),
        per_item=False,
    ),
    Case("im-export", ("onnx", "-m", "{space}/model"), None, per_item=False),
    Case("im-export", ("jams",), "predictions.jsonl", decodes=False),
    Case("im-export", ("audiofolder",), "folds.jsonl", decodes=False),
    Case("im-export", ("lhotse",), "predictions.jsonl", decodes=False),
    Case("im-serve", ("-m", "{space}/model", "--port", "0"), None, writes=(), per_item=False, ends=False),
]

NEEDS_OUTPUT = ("im-features", "im-train", "im-calibrate", "im-plot", "im-report", "im-export")
"""Commands that refuse to work without ``-o``."""


def write_note(path: Path, label: str, number: int, seconds: float = 2.2) -> None:
    """Write a note whose overtones depend on the class, so that a net has something to learn."""
    random = np.random.default_rng([number, len(label), ord(label[0])])
    time = np.arange(round(seconds * RATE)) / RATE
    frequency = 220 * 2 ** (number / 12)
    overtones = (1, 0, 0.5, 0, 0.3) if label == "cla" else (1, 0.7, 0.5, 0.4, 0.3)
    wave = sum(a * np.sin(2 * np.pi * (k + 1) * frequency * time) for k, a in enumerate(overtones))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        os.fsencode(path), 0.2 * wave + 0.01 * random.standard_normal(len(time)), RATE, format="WAV"
    )


def build_workspace(run, space: Path, library: str = "lib", labels: tuple[str, ...] = ("cla", "vio")) -> None:
    """Fill a folder with a library of class folders, and take that through the pipeline."""
    for label in labels:
        for number in range(4):
            write_note(space / library / label / f"{number}.wav", label, number)

    def step(target: str | None, name: str, *arguments: str) -> None:
        result = run(name, *arguments, cwd=space)
        assert result.returncode == 0, result.stderr.decode()
        if target:
            (space / target).write_bytes(result.stdout)

    step("index.jsonl", "im-index", library)
    step("segments.jsonl", "im-segment", "index.jsonl")
    step("folds.jsonl", "im-split", "--folds", "2", "segments.jsonl")
    step("mixes.jsonl", "im-mix", "folds.jsonl")
    step(None, "im-features", "-o", "features", "folds.jsonl")
    step(None, "im-train", *TINY_NET, "-o", "model", "features")
    step("predictions.jsonl", "im-predict", "-m", "model", "features")
    step("members.jsonl", "im-predict", "-m", "model", "--members", "features")
    step("scores.jsonl", "im-score", "--format", "jsonl", "predictions.jsonl")
    _write_ensemble(space)
    step("thresholds.json", "im-threshold", "mel.jsonl", "modgd.jsonl", "cqt.jsonl")


def build_shop(run, folder: Path) -> None:
    """Fill a folder with all files that the examples of the documents mention."""
    build_workspace(run, folder, "music", ("cel", "flu", "pia", "vio"))
    for label in ("cel", "flu"):
        write_note(folder / "IRMAS-TrainingData" / label / f"[{label}][cla]0001__1.wav", label, 1)
    song = run("im-segment", "--length", "2", "-o", str(folder / "song"), str(folder / "music/cel/0.wav"))
    assert song.returncode == 0, song.stderr.decode()
    shutil.copy(next((folder / "song" / "audio").rglob("*.flac")), folder / "song.flac")
    shutil.rmtree(folder / "song")
    sound, rate = soundfile.read(folder / "song.flac")
    soundfile.write(folder / "song.mp3", sound, rate)
    shutil.copy(folder / "scores.jsonl", folder / "pitch-scores.jsonl")
    (folder / "token.txt").write_text("a-token-of-20-letters\n")
    shutil.copytree(folder / "features", folder / "irmas")
    shutil.copytree(folder / "features", folder / "new")
    options = ("--model", "chen2024", "--classes", "cel,flu", "--epochs", "1", "-o", str(folder / "families"))
    families = run("im-train", *options, str(folder / "features"))
    assert families.returncode == 0, families.stderr.decode()
    for name in ("segments.jsonl", "folds.jsonl"):
        records = list(read_manifest(folder / name))
        changed = [r.replace(genre="cla", source=r.source | {"dataset": f"d{n % 4}"}, groups=[f"g{n % 4}"])
                   for n, r in enumerate(records)]  # fmt: skip
        write_manifest(folder / name, changed)


def _write_ensemble(space: Path) -> None:
    """Write predictions as if of three models: those of each, and those of the first two in one stream."""
    lines = (space / "members.jsonl").read_text().splitlines()
    ensemble = ""
    for number, line in enumerate(lines):
        record = json.loads(line)
        predictions = record["predictions"]
        first_two = []
        for shift, name in enumerate(("mel", "modgd", "cqt")):
            record["predictions"] = [
                _attributed_to(name, prediction, number, shift) for prediction in predictions
            ]
            if shift < 2:
                first_two += [p for p in record["predictions"] if "#" not in p["model"]]
            with open(space / f"{name}.jsonl", "a" if number else "w", encoding="ascii") as stream:
                stream.write(json.dumps(record) + "\n")
        ensemble += json.dumps(record | {"predictions": first_two}) + "\n"
    (space / "ensemble.jsonl").write_text(ensemble)


def _attributed_to(model: str, prediction: dict, number: int, shift: int) -> dict:
    member = prediction["model"].partition("#")[1:]
    score = round((prediction["score"] + (number * (shift + 1) % 7) / 20) / 1.3, 6)
    return prediction | {"model": f"{model}@{shift:08d}{''.join(member)}", "score": score}
