"""im-score as its user meets it: formats, files of thresholds, baselines, the report."""

from __future__ import annotations

import csv
import html.parser
import json
from pathlib import Path

import pytest


def scored(run, space: Path, *arguments: str) -> list[dict]:
    result = run("im-score", "--bootstrap", "50", "--format", "jsonl", *arguments, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_intervals_depend_on_the_seed_alone(run, space):
    first, again, other = (scored(run, space, "--seed", seed, "predictions.jsonl") for seed in "112")
    assert first == again
    assert first[0]["lrap"] == other[0]["lrap"]
    assert first[0]["intervals"] != other[0]["intervals"]
    assert scored(run, space, "--bootstrap", "0", "predictions.jsonl")[0]["intervals"] is None


def test_the_same_figures_in_every_format(run, space):
    whole, *classes = scored(run, space, "predictions.jsonl")
    result = run("im-score", "--bootstrap", "50", "--format", "csv", "predictions.jsonl", cwd=space)
    lines = list(csv.DictReader(result.stdout.decode().splitlines()))
    value = {(line["label"], line["polyphony"], line["figure"]): line["value"] for line in lines}
    assert float(value["", "", "lrap"]) == whole["lrap"]
    assert [float(value[row["label"], "", "f1"]) for row in classes] == [row["f1"] for row in classes]
    table = run("im-score", "--bootstrap", "50", "predictions.jsonl", cwd=space).stdout.decode()
    assert f"{whole['lrap']:.3f}" in table
    assert max(map(len, table.splitlines())) <= 100


def test_thresholds_come_from_a_file(run, space, tmp_path):
    fitted = run("im-threshold", "predictions.jsonl", cwd=space)
    (tmp_path / "thresholds.json").write_bytes(fitted.stdout)
    limits = next(iter(json.loads(fitted.stdout)["models"].values()))["classes"]
    result = run(
        "im-score", "--format", "jsonl", "--thresholds", tmp_path / "thresholds.json", "predictions.jsonl",
        cwd=space,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr.decode()
    whole, *classes = map(json.loads, result.stdout.splitlines())
    assert {row["label"]: row["threshold"] for row in classes} == limits
    # Fitted on the items themselves, they can do no better than the oracle of the same grid.
    assert whole["decisions"]["macro"]["f1"] == pytest.approx(whole["oracle"]["macro_f1"], abs=1e-12)
    assert b"were used to fit these thresholds" in result.stderr
    both = run("im-score", "-t", "0.5", "--thresholds", "x.json", "predictions.jsonl", cwd=space)
    assert both.returncode == 2
    missing = run("im-score", "--thresholds", "x.json", "predictions.jsonl", cwd=space)
    assert missing.returncode == 1
    assert b"x.json: cannot be read" in missing.stderr


def test_a_baseline_is_another_manifest(run, space, tmp_path):
    lines = [json.loads(line) for line in (space / "predictions.jsonl").read_text().splitlines()]
    for line in lines:
        for prediction in line["predictions"]:
            prediction |= {"model": "base@1", "score": 1 - prediction["score"]}
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(line) + "\n" for line in lines))
    whole, *classes = scored(run, space, "--baseline", str(other), "predictions.jsonl")
    assert whole["baseline"]["model"] == "base@1"
    assert whole["baseline"]["lrap"]["difference"] == pytest.approx(
        whole["lrap"] - scored(run, space, str(other))[0]["lrap"]
    )
    assert all(set(row["baseline"]) == set(row["intervals"]) for row in classes)
    torn = tmp_path / "torn.jsonl"
    torn.write_text(other.read_text() + '{"schema": "imt')
    result = run("im-score", "--baseline", torn, "predictions.jsonl", cwd=space)
    assert result.returncode == 1
    assert b"torn.jsonl:" in result.stderr


class Links(html.parser.HTMLParser):
    """Collects what a page would load, and the text of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.links, self.cells, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.links += [named[key] for key in ("src", "href", "xlink:href") if key in named]
        if tag not in ("meta", "link", "img", "br", "path", "use", "rect", "image"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)


def test_the_report_is_one_page_that_loads_nothing(run, space, tmp_path):
    page = tmp_path / "a & b.html"
    arguments = ("--bootstrap", "20", "--baseline", "predictions.jsonl", "--report", page, "predictions.jsonl")
    result = run("im-score", *arguments, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    text = page.read_text(encoding="utf-8")
    parser = Links()
    parser.feed(text)
    assert [link for link in parser.links if not link.startswith(("#", "data:"))] == []
    assert "url(" not in text.replace("url(#", "")
    assert {"LRAP", "F1, macro (mean of F1s)", "cla", "vio", "95 % interval"} <= set(parser.cells)
    whole = scored(run, space, "--bootstrap", "20", "predictions.jsonl")[0]
    assert f"{whole['lrap']:.3f}" in parser.cells
    assert "<svg" in text
    again = run("im-score", *arguments, cwd=space)
    assert again.returncode == 2
    assert b"exists already; add --force" in again.stderr
    before = text
    assert run("im-score", "--force", *arguments, cwd=space).returncode == 0
    assert page.read_text(encoding="utf-8") == before


def test_a_dry_run_scores_nothing(run, space, tmp_path):
    page = tmp_path / "page.html"
    result = run("im-score", "-n", "--report", page, "predictions.jsonl", cwd=space)
    assert result.returncode == 0
    count = len((space / "predictions.jsonl").read_text().splitlines())
    assert f"dry run: {count} records would be scored".encode() in result.stderr
    assert not page.exists()
    assert result.stdout == b""
