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
    arguments = (
        "--bootstrap",
        "20",
        "--baseline",
        "predictions.jsonl",
        "--report",
        page,
        "predictions.jsonl",
    )
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


def test_a_bad_record_does_not_stop_the_others(run, space, tmp_path):
    lines = [json.loads(line) for line in (space / "predictions.jsonl").read_text().splitlines()]
    lines[0]["predictions"].append(lines[0]["predictions"][0] | {"score": 0.01})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    call = ("im-score", "--bootstrap", "0", "--format", "jsonl")
    result = run(*call, "--failures", "failures.jsonl", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 3
    assert f"{len(lines) - 1} items ok, 1 failed".encode() in result.stderr
    assert json.loads(result.stdout.splitlines()[0])["num_items"] == len(lines) - 1
    (failure,) = map(json.loads, (tmp_path / "failures.jsonl").read_text().splitlines())
    assert failure["id"] == lines[0]["id"]
    assert "2 scores" in failure["message"]
    strict = run(*call, "--strict", "in.jsonl", cwd=tmp_path)
    assert (strict.returncode, strict.stdout) == (1, b"")


def test_conditions_hold_for_the_baseline_too(run, space):
    call = ("--where", "fold=1", "--baseline", "cqt.jsonl", "--model", "mel", "mel.jsonl")
    result = run("im-score", "--bootstrap", "0", "--format", "jsonl", *call, cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    whole = json.loads(result.stdout.splitlines()[0])
    assert whole["baseline"]["num_items"] == whole["num_items"]
    assert b"items are compared" not in result.stderr


def test_standard_input_is_read_once(run, space):
    text = (space / "predictions.jsonl").read_bytes()
    for inputs in ((), ("-",)):
        result = run("im-score", "--baseline", "-", *inputs, cwd=space, stdin=text)
        assert result.returncode == 2
        assert b"cannot be its own baseline" in result.stderr
    for tool in ("im-fuse", "im-threshold"):
        result = run(tool, "-", "-", cwd=space, stdin=text)
        assert result.returncode == 2
        assert b"standard input is named twice" in result.stderr


def test_names_may_hold_anything(run, space, tmp_path):
    """Commas for --classes, characters that the output's encoding lacks, and halves of characters."""
    line = json.loads((space / "predictions.jsonl").read_text().splitlines()[0])
    odd = ["a, b", "ö", "\ud800"]
    records = [
        line | {"id": f"r{k}", "labels_complete": True, "labels": [{"label": odd[k % 3]}]}
        | {"predictions": [{"model": "net@1", "label": name, "score": 0.25 * ((k + n) % 4)}
                           for n, name in enumerate(odd)]}
        for k in range(6)
    ]  # fmt: skip
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    for fmt in ("table", "csv", "jsonl"):
        result = run("im-score", "--format", fmt, "--bootstrap", "0", "in.jsonl", cwd=tmp_path)
        assert result.returncode == 0, result.stderr.decode()
        assert b"ud800" in result.stdout
    result = run("im-score", "--format", "jsonl", "--classes", 'ö,"a, b"', "in.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    assert [json.loads(one)["label"] for one in result.stdout.splitlines()] == [None, "ö", "a, b"]
    result = run("im-score", "--classes", "a\nb", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 2
    assert b"double quotes" in result.stderr


def test_thresholds_of_other_weights_are_warned_of_once(run, space, tmp_path):
    text = run("im-threshold", "mel.jsonl", cwd=space).stdout.replace(b"mel@00000000", b"mel@ffffffff")
    (tmp_path / "thresholds.json").write_bytes(text)
    result = run("im-score", "--thresholds", tmp_path / "thresholds.json", "mel.jsonl", cwd=space)
    assert result.returncode == 0
    assert result.stderr.count(b"a model of other weights") == 1


def test_s1_is_the_mean_over_windows_then_the_threshold(run, space, tmp_path):
    """Han et al. (2017), section II-E: S1 averages what S2 adds up and divides by its maximum."""
    windows = run("im-predict", "-m", "model", "--windows", "segments.jsonl", cwd=space)
    (tmp_path / "windows.jsonl").write_bytes(windows.stdout)
    source = str(tmp_path / "windows.jsonl")
    s1, mean = (scored(run, space, "--aggregate", name, source) for name in ("s1", "mean"))
    assert s1 == mean
    # Segments of one window: S1 is the score as it is, and S2 makes the surest class 1.
    assert s1[0]["lrap"] == scored(run, space, source)[0]["lrap"]
    s2 = scored(run, space, "--aggregate", "s2", source)
    assert s2[0]["decisions"] != s1[0]["decisions"]
    assert s2[0]["lrap"] == s1[0]["lrap"]
