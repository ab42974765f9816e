"""Write the card of the model that comes with imtools: what binds it, what it is bad at, and what it reaches.

    python examples/bundled-model/card.py OUTPUT_DIRECTORY CARD.md

takes the figures from the files that make.sh has left in OUTPUT_DIRECTORY, and the text from CARD.md.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from imtools.calibrate.fit import reliability
from imtools.manifest.stream import read_manifest
from imtools.score import collect

SETS = {
    "irmas-test": "recordings of IRMAS held out",
    "medley": "phrases of Medley-solos-DB",
    "phrases": "all phrases",
    "duos": "mixes of two phrases",
    "trios": "mixes of three phrases",
}
FIGURES = ("lrap", "top1", "auc", "f1_micro", "f1_macro")
KEPT = ("Training data", "Training", "Validation", "Calibration")
"""Sections of the card that im-train and im-calibrate wrote."""


def main(out: Path, text: Path) -> None:
    """Write the card into the model's directory."""
    card = out / "model" / "README.md"
    written = card.read_text(encoding="utf-8")
    name = written.splitlines()[0].removeprefix("# ")
    scores = {key: _scores(out / f"scores-{key}.jsonl") for key in SETS}
    parts = [f"# {name}", text.read_text(encoding="utf-8").strip(), _results(scores), _classes(scores)]
    parts += [_reliability(out / "irmas-test.jsonl"), *_sections(written)]
    card.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _scores(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _results(scores: dict[str, list[dict[str, Any]]]) -> str:
    rows = [
        "| judged on | items | LRAP | top-1 | AUC | F1 micro | F1 macro |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for key, title in SETS.items():
        whole = scores[key][0]
        values = whole | {f"f1_{kind}": whole["decisions"][kind]["f1"] for kind in ("micro", "macro")}
        cells = [_cell(values[key], (whole["intervals"] or {}).get(key)) for key in FIGURES]
        rows.append(f"| {title} | {whole['num_items']} | {' | '.join(cells)} |")
    return (
        "## Results\n\nWith 95 % intervals, from resamples of recordings. No recording among them was "
        "trained on, calibrated with, or chose a threshold; the phrases are of other collections altogether. "
        "What IRMAS does not name counts as absent. Mixes share their phrases with one another: nothing of "
        "them can be resampled.\n\n"
    ) + "\n".join(rows)


def _classes(scores: dict[str, list[dict[str, Any]]]) -> str:
    keys = ("irmas-test", "phrases", "duos")
    rows = [
        "| class | " + " | ".join(f"{SETS[key]} | F1" for key in keys) + " |",
        "|---|" + "---:|" * 2 * len(keys),
    ]
    for lines in zip(*(scores[key][1:] for key in keys), strict=True):
        cells = [_of_class(one) for one in lines]
        rows.append(f"| {lines[0]['label']} | {' | '.join(cells)} |")
    return "## Class by class\n\nHow often each is there, and the F1 of its decisions.\n\n" + "\n".join(rows)


def _of_class(one: dict[str, Any]) -> str:
    """Return support and F1; of a class that is not there F1 says nothing."""
    f1 = _cell(one["f1"], (one["intervals"] or {}).get("f1")) if one["support"] else "-"
    return f"{one['support']} | {f1}"


def _cell(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if interval is None else f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _reliability(path: Path) -> str:
    data = collect(read_manifest(path)).labelled_scores(unlisted="absent")
    found = reliability(data.y_true, data.y_score, data.known)
    rows = ["| score | how many | mean score | part that is present |", "|---|---:|---:|---:|"]
    bins = len(found.count)
    for number, count in enumerate(found.count):
        low, high = number / bins, (number + 1) / bins
        rows.append(
            f"| {low:.1f} to {high:.1f} | {count} | {found.score[number]:.3f} | {found.rate[number]:.3f} |"
        )
    return (
        "## Reliability\n\n![Part that is present against the score](reliability.png)\n\nOn the "
        f"recordings of IRMAS held out: expected calibration error {found.error:.4f}, Brier score "
        f"{found.brier:.4f}.\n\n"
    ) + "\n".join(rows)


def _sections(card: str) -> list[str]:
    parts = re.split(r"^## ", card, flags=re.MULTILINE)[1:]
    return [f"## {part.strip()}" for part in parts if part.split("\n", 1)[0] in KEPT]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
