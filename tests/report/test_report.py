"""im-report: the printed figures of papers, and ours beside them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from imtools.errors import ManifestError, UsageError
from imtools.report.paper import PAPERS, Measured, load_paper, paper_page
from imtools.score.names import CLASS_NAMES, FIGURES

LEVELS = {"iou", "emr"}


def scores(lrap: float = 0.7, low: float = 0.6, high: float = 0.8) -> list[dict]:
    """The lines of a score file, as far as a report reads them."""
    ratios = {"precision": 0.5, "recall": 0.4, "f1": 0.44}
    head = {
        "schema": "imtools/scores/1",
        "model": "net@0",
        "label": None,
        "num_items": 20,
        "lrap": lrap,
        "auc": 0.9,
        "mean_ap": 0.6,
        "top1": None,
        "iou": 0.5,
        "emr": 0.2,
        "intervals": {"lrap": [low, high], "top1": [None, None]},
        "decisions": {"micro": ratios, "macro": ratios, "macro_f1_of_means": 0.45, "accuracy": 0.9},
        "oracle": {"micro_f1": 0.6, "micro_f1_by_class": 0.65, "macro_f1": 0.62},
        "levels": [{"polyphony": 2, "iou": 0.4, "emr": 0.1}],
    }
    return [
        head,
        {"label": "cel", "model": "net@0", "f1": 0.3, "accuracy": 0.8, "intervals": {"f1": [0.1, 0.5]}},
    ]


def write(path: Path, lines: list[dict]) -> str:
    return write_text(path, "".join(json.dumps(line) + "\n" for line in lines))


def write_text(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index("<body>") :]))


@pytest.mark.parametrize("name", PAPERS)
def test_printed_figures_are_ratios_with_names(name: str) -> None:
    printed = load_paper(name)
    assert printed.caveats
    assert len(printed.keys) == len(set(printed.keys)) > 0
    for table in printed.tables:
        known = set(CLASS_NAMES) if table.per_class else LEVELS if table.per_level else set(FIGURES)
        assert set(table.figures) <= known
        for row in table.rows:
            assert set(row.printed) <= set(table.figures)
            assert all(0 <= value <= 1 for values in row.printed.values() for value in values)


def test_some_printed_figures() -> None:
    rows = {row.key: row for row in load_paper("kratimenos2020").tables[1].rows}
    assert rows["combined"].printed["lrap"] == [0.805, 0.002]
    levels = {row.key: row for row in load_paper("chen2024").tables[1].rows}
    assert levels["10"].printed == {"iou": [0.37]}
    with pytest.raises(UsageError, match="no figures of 'nobody' are known"):
        load_paper("nobody")


def test_ours_stand_beside_what_is_printed(tmp_path: Path) -> None:
    ours = {"mono": Measured.read([write(tmp_path / "a", scores())])}
    page = text_of(paper_page(load_paper("kratimenos2020"), ours, notes=["A trial."]))
    assert "A trial." in page
    assert "0.767 ± 0.008 0.700 0.600 to 0.800" in page
    assert "0.776 ± 0.006 not run" in page
    assert "mono 0.600 0.650 0.620" in page
    assert all(words in page for words in ("chosen on the test set", "2,874"))


def test_seeds_are_averaged_and_their_intervals_united(tmp_path: Path) -> None:
    files = [
        write(tmp_path / str(n), scores(lrap, lrap - 0.1, lrap + 0.1))
        for n, lrap in enumerate((0.6, 0.7, 0.65))
    ]
    assert Measured.read(files).cell("lrap") == ("0.650", ("runs 0.600 to 0.700", "0.500 to 0.800"))
    assert Measured.read(files[:1]).cell("top1") == ("–", ())
    lines = scores()
    lines[0]["folds"] = {"by": "members", "overall": {"lrap": [0.68, 0.01], "auc": [None, None]}}
    folds = Measured.read([write(tmp_path / "folds", lines)])
    assert folds.cell("lrap").below[0] == "folds 0.680 ± 0.010"
    assert folds.cell("auc") == ("0.900", ())
    assert Measured.read(files[:1]).cell("emr", level=2) == ("0.100", ())
    assert Measured.read(files[:1]).cell("f1", label="cel") == ("0.300", ("0.100 to 0.500",))
    assert Measured.read(files[:1]).cell("f1", label="vio") == ("–", ())


def test_scores_by_class_and_level_fill_their_tables(tmp_path: Path) -> None:
    page = text_of(
        paper_page(load_paper("lumen2023"), {"fused": Measured.read([write(tmp_path / "a", scores())])})
    )
    assert "cel 0.354 0.300 0.100 to 0.500 0.966 0.800" in page
    page = text_of(
        paper_page(load_paper("chen2024"), {"solo": Measured.read([write(tmp_path / "a", scores())])})
    )
    assert "cel – 0.300 0.100 to 0.500" in page  # no family of the paper
    page = text_of(
        paper_page(load_paper("chen2024"), {"polyphony": Measured.read([write(tmp_path / "a", scores())])})
    )
    assert "2 0.770 0.400 0.040 0.100" in page


def test_names_without_a_place_are_refused(tmp_path: Path) -> None:
    ours = {"mono+pitch": Measured.read([write(tmp_path / "a", scores())])}
    assert "mono+pitch" in paper_page(load_paper("kratimenos2020"), ours)
    with pytest.raises(UsageError, match=r"no table has a row 'mono\+pitch'"):
        paper_page(load_paper("vaznonis2022"), ours)


def test_what_are_no_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        Measured.read([str(tmp_path / "none")])
    with pytest.raises(ManifestError, match="not valid JSON"):
        Measured.read([write_text(tmp_path / "a", "x\n")])
    with pytest.raises(UsageError, match="holds the scores of 2 models"):
        Measured.read([write(tmp_path / "b", [*scores(), *scores()])])
    with pytest.raises(ManifestError, match="c:1: is no score of schema"):
        Measured.read([write(tmp_path / "c", [{"schema": "imtools/segment/1"}])])
    with pytest.raises(ManifestError, match="holds no scores"):
        Measured.read([write_text(tmp_path / "d", "\n")])


@pytest.mark.slow(7)
def test_the_command(run, tmp_path: Path) -> None:
    file = write(tmp_path / "scores.jsonl", scores())
    (tmp_path / "drawn.svg").write_text('<?xml version="1.0"?><svg width="3"></svg>')
    page = tmp_path / "page.html"
    picture = ("--picture", f"{tmp_path}/drawn.svg=A picture.")
    made = run("im-report", "kratimenos2020", "-o", str(page), *picture, f"mono={file}", f"mono={file}")
    assert made.returncode == 0, made.stderr.decode()
    line = json.loads(made.stdout)
    assert line["report"] == str(page)
    assert "mono" not in line["missing"]
    assert "pitch" in line["missing"]
    assert line["bytes"] == page.stat().st_size
    html = page.read_text()
    assert "http" not in html  # it loads nothing
    assert '<svg width="3"></svg>' in html
    again = run("im-report", "kratimenos2020", "-o", str(page), f"mono={file}")
    assert again.returncode == 2
    assert b"exists already" in again.stderr
    assert run("im-report", "kratimenos2020", "-o", str(page), "--force", f"mono={file}").returncode == 0
    dry = run("im-report", "kratimenos2020", "-o", str(tmp_path / "other.html"), "-n", f"mono={file}")
    assert b"would be written" in dry.stderr
    assert not (tmp_path / "other.html").exists()
    for wrong, message in (
        (("kratimenos2020", f"mono={file}"), b"no file for the report"),
        (("kratimenos2020", "-o", "x.html", file), b"is not KEY=FILE"),
        (("nobody", "-o", "x.html"), b"nobody"),
        (("vaznonis2022", "-o", "x.html", f"mono={file}"), b"no table has a row"),
        (("vaznonis2022", "-o", "x.html", "--picture", f"{file}=No picture."), b"is no SVG"),
        (("vaznonis2022", "-o", "x.html", "--picture", "none.svg=No picture."), b"cannot be read"),
    ):
        refused = run("im-report", *wrong, cwd=tmp_path)
        assert refused.returncode in (1, 2)
        assert message in refused.stderr
    assert run("im-report", "vaznonis2022", "--list-keys").stdout.decode().split() == [
        "lstm", "fft", "bosch", "bosch-streams",
    ]  # fmt: skip
