"""Labels and predictions for other programs: CSV, tables, beets, JAMS, Audacity, audiofolder, lhotse."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.audio import load, probe
from imtools.cli import command
from imtools.errors import AudioError, ManifestError, UsageError
from imtools.export.records.annotations import present_instruments, record_annotations, timed_annotations
from imtools.export.records.audacity import audacity_labels
from imtools.export.records.audiofolder import place_audio
from imtools.export.records.beets import beets_command
from imtools.export.records.files import whole_file
from imtools.export.records.jams import jams
from imtools.export.records.lhotse import cut
from imtools.export.records.text import columns, csv_header, csv_lines, table_lines, to_bytes
from imtools.manifest import Label, Prediction, Record, read_manifest, write_manifest
from shell import BIN, run_script, run_to_end

ODD = 'a,b "q" it\'s\nnew: größe caf\udce9.wav'
"""A file's name with all that may stand in one, a byte that is not UTF-8 too."""


def of(audio: str | None = "song.wav", **changes: object) -> Record:
    settings: dict[str, object] = {"start": 0.0, "duration": 4.0, "sampling_rate": 100, "num_samples": 400}
    return Record(id="song", audio=audio, **(settings | changes))  # type: ignore[arg-type]


LABELS = [Label("vio", 1.0, start=1.0), Label("cel", 0.4), Label("pia", 0.7, start=0.0, duration=9.0)]
SCORED = [
    Prediction("net@1", "cel", 0.45, present=True),
    Prediction("net@1", "vio", 0.9),
    Prediction("net@1", "pia", 0.8, present=False),
    Prediction("net@1#fold0", "cel", 0.1),
]
TIMED = [
    Prediction("net@1", "cel", 0.7, 0.5, 1.0, True),
    Prediction("net@1", "vio", 0.9, 3.0, 2.0, True),
    Prediction("net@1", "vio", 0.2, 0.0, 2.0),
]


# ------------------------------------------------------------------------------------ what a record says


def test_predictions_come_before_labels_unless_one_of_them_is_asked_for() -> None:
    both = of(labels=LABELS, predictions=SCORED)
    assert [one.label for one in record_annotations(both)] == ["cel", "vio", "pia"]
    assert {one.model for one in record_annotations(both)} == {"net@1"}
    assert [one.score for one in record_annotations(both, "labels")] == [1.0, 0.4, 0.7]
    assert [one.present for one in record_annotations(both, "labels")] == [True, False, True]
    assert [one.label for one in record_annotations(of(labels=LABELS))] == ["vio", "cel", "pia"]
    assert record_annotations(of()) == []
    for origin in ("labels", "predictions"):
        with pytest.raises(ManifestError, match=f"no {origin}"):
            record_annotations(of(), origin)


def test_members_speak_only_where_asked_or_alone() -> None:
    assert len(record_annotations(of(predictions=SCORED), members=True)) == 4
    assert [one.score for one in record_annotations(of(predictions=SCORED[3:]))] == [0.1]
    assert [
        annotation.score for annotation in record_annotations(of(predictions=SCORED), model="net@1#fold0")
    ] == [0.1]
    assert len(record_annotations(of(predictions=SCORED), model="net@1")) == 3
    with pytest.raises(UsageError, match="other"):
        record_annotations(of(predictions=SCORED), model="other")


def test_instruments_are_those_that_are_present_highest_score_first() -> None:
    assert [one.label for one in present_instruments(of(predictions=SCORED + TIMED))] == [
        "vio",
        "cel",
    ]
    assert [one.label for one in present_instruments(of(labels=LABELS))] == ["vio", "pia"]
    assert present_instruments(of(labels_complete=True)) == []
    with pytest.raises(ManifestError, match="neither labels nor predictions"):
        present_instruments(of())
    with pytest.raises(ManifestError, match="for the whole record"):
        present_instruments(of(predictions=TIMED))
    two = of(predictions=[*SCORED, Prediction("other@2", "cel", 0.9)])
    with pytest.raises(ManifestError, match="2 models: net@1, other@2; choose one with `model`"):
        present_instruments(two)
    assert [one.label for one in present_instruments(two, model="other")] == ["cel"]


def test_annotations_are_timed_where_there_are_times() -> None:
    assert [(m.label, m.start) for m in timed_annotations(of(predictions=SCORED + TIMED))] == [
        ("cel", 0.5),
        ("vio", 3.0),
    ]
    assert [m.label for m in timed_annotations(of(predictions=SCORED))] == ["cel", "vio"]
    assert [m.label for m in timed_annotations(of(predictions=SCORED), everything=True)] == [
        "cel",
        "vio",
        "pia",
    ]
    assert [m.span(of()) for m in timed_annotations(of(labels=LABELS))] == [(1.0, 3.0), (0.0, 4.0)]


# ------------------------------------------------------------------------------------------ CSV and tables


def test_csv_is_read_back_by_another_reader() -> None:
    record = of(ODD, predictions=[*SCORED, *TIMED, Prediction('n"e,t@1', "a\nb", 0.123456)])
    data = to_bytes(csv_header() + csv_lines(record))
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))
    assert len(rows) == 8
    assert {(row["id"], row["audio"]) for row in rows} == {("song", ODD)}
    for row, one in zip(rows, record.predictions, strict=True):
        assert (row["model"], row["label"], float(row["score"])) == (one.model, one.label, one.score)
        assert row["start"] == ("" if one.start is None else str(one.start))
    assert [row["present"] for row in rows] == [
        "true",
        "true",
        "false",
        "false",
        "true",
        "true",
        "false",
        "false",
    ]
    assert data.count(b"\r\n") == 9


def test_csv_of_labels() -> None:
    rows = list(csv.reader(io.StringIO(csv_lines(of(labels=LABELS), "labels"))))
    assert rows[0] == ["song", "song.wav", "", "vio", "1.0", "true", "1.0", ""]
    assert csv_lines(of()) == ""


def test_bytes_of_names_survive() -> None:
    assert to_bytes("caf\udce9") == b"caf\xe9"
    assert to_bytes("\ud800é") == b"\\ud800\xc3\xa9"


@pytest.mark.parametrize("width", [40, 80, 100, 200])
@pytest.mark.parametrize("name", ["a.wav", "音楽" * 40 + ".wav", "x" * 300 + ".wav", ODD])
def test_a_line_for_people_fits_the_terminal(width: int, name: str) -> None:
    many = [Prediction("net@1", f"instrument {k}", 1 - k / 100) for k in range(30)]
    (line,) = table_lines(of(name, predictions=many), width).splitlines()
    assert columns(line) <= width
    assert "instrument 0 1.00" in line or width == 40
    assert " more" in line
    assert table_lines(of("a.wav", predictions=SCORED), width).split() == [
        "a.wav",
        "vio",
        "0.90,",
        "cel",
        "0.45",
    ]


def test_a_line_for_people_says_none_and_when() -> None:
    assert table_lines(of(predictions=SCORED[2:3])).split() == ["song.wav", "none"]
    assert table_lines(of(labels=LABELS)).split() == ["song.wav", "none"]
    lines = table_lines(of(predictions=SCORED + TIMED)).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["0.50", "to", "1.50", "s", "cel", "0.70"],
        ["3.00", "to", "4.00", "s", "vio", "0.90"],
    ]
    again = of(predictions=[Prediction("old@1", "flu", 0.9), *SCORED])
    assert table_lines(again) == table_lines(of(predictions=SCORED))
    assert table_lines(of(source={"start": 3.0}, predictions=SCORED)).startswith("song ")


def test_formats_of_the_predict_command(run, space: Path, tmp_path: Path) -> None:
    os.makedirs(tmp_path / "music")
    name = os.fsencode(ODD)
    shutil.copy(space / "lib/vio/0.wav", os.fsencode(tmp_path / "music") + b"/" + name)
    shutil.copy(space / "lib/cla/1.wav", tmp_path / "music/b.wav")
    model = ("-m", str(space / "model"))
    result = run("im-predict", *model, "-o", "out", "--format", "csv", "music", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode(errors="replace")
    assert b"caf\xe9" in result.stdout
    text = result.stdout.decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    kept = list(read_manifest(tmp_path / "out/manifest.jsonl"))
    assert len(kept) == 2
    assert [(row["id"], row["label"], float(row["score"])) for row in rows] == [
        (record.id, one.label, one.score) for record in kept for one in record.predictions
    ]
    assert {row["audio"] for row in rows} == {f"music/{ODD}", "music/b.wav"}
    again = run("im-predict", *model, "-o", "out", "--resume", "--format", "table", "music", cwd=tmp_path)
    assert again.returncode == 0, again.stderr.decode(errors="replace")
    lines = again.stdout.decode().splitlines()
    assert len(lines) == 2
    assert all(columns(line) <= 100 for line in lines)
    assert lines[1].startswith("music/b.wav ")
    empty = run("im-predict", *model, "--format", "csv", "-", stdin=b"", cwd=tmp_path)
    assert (empty.returncode, empty.stdout.decode()) == (0, csv_header())  # as im-export csv


def test_the_csv_command(run, space: Path) -> None:
    result = run("im-export", "csv", "predictions.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    rows = list(csv.DictReader(io.StringIO(result.stdout.decode(), newline="")))
    records = list(read_manifest(space / "predictions.jsonl"))
    assert len(rows) == sum(len(record.predictions) for record in records) > 0
    labels = run("im-export", "csv", "--from", "labels", "--jobs", "3", "segments.jsonl", cwd=space)
    found = [row["label"] for row in csv.DictReader(io.StringIO(labels.stdout.decode(), newline=""))]
    assert found == [one.label for record in read_manifest(space / "segments.jsonl") for one in record.labels]
    empty = run("im-export", "csv", "-", stdin=b"", cwd=space)
    assert (empty.returncode, empty.stdout) == (0, csv_header().encode())


def test_one_bad_record_stops_no_other(run, space: Path, tmp_path: Path) -> None:
    good = list(read_manifest(space / "predictions.jsonl"))[:3]
    write_manifest(tmp_path / "a.jsonl", [good[0], good[1].replace(predictions=[]), good[2]])
    for kind, more in (("csv", ()), ("jams", ("-o", "out"))):
        arguments = (*more, "--from", "predictions", "--failures", "f.jsonl", "a.jsonl")
        result = run("im-export", kind, *arguments, cwd=tmp_path)
        assert result.returncode == 3, result.stderr.decode()
        assert good[0].id.encode() in result.stdout
        assert good[2].id.encode() in result.stdout
        failure = json.loads((tmp_path / "f.jsonl").read_text())
        assert failure["id"] == good[1].id
        assert "no predictions" in failure["message"]
        assert b"2 items ok, 1 failed" in result.stderr


# ------------------------------------------------------------------------------------------------- beets


def tone(path: str | bytes, seconds: float = 4.0, rate: int = 100, channels: int = 1) -> None:
    time = np.arange(round(seconds * rate)) / rate
    samples = np.stack([0.3 * np.sin(2 * np.pi * (5 + k) * time) for k in range(channels)], axis=1)
    soundfile.write(path, samples, rate, format="WAV")


def test_the_shell_hands_beets_any_name(tmp_path: Path) -> None:
    names = [ODD, "a:b.wav", "$(touch gone) `x` $HOME.wav", "-y.wav", "back\\:slash.wav"]
    script = "beet() { printf '%s\\0' \"$@\"; }\n"
    for name in names:
        tone(os.fsencode(tmp_path / name))
        script += beets_command(of(str(tmp_path / name), predictions=SCORED))
    result = subprocess.run(["sh", "-c", to_bytes(script)], capture_output=True, check=True, cwd=tmp_path)
    arguments = [os.fsdecode(part) for part in result.stdout.split(b"\0")[:-1]]
    assert len(arguments) == 4 * len(names)
    for place, name in enumerate(names):
        verb, yes, query, change = arguments[4 * place : 4 * place + 4]
        assert (verb, yes, change) == ("modify", "-y", "instruments=cel; vio")
        field, _, value = query.partition(":")
        assert (field, value.replace(r"\:", ":")) == ("path", str(tmp_path / name))  # as beets reads it
        assert not re.search(r"(?<!\\):", value)
    assert not (tmp_path / "gone").exists()


def test_beets_gets_commands_for_whole_files_only(tmp_path: Path) -> None:
    path = str(tmp_path / "song.wav")
    tone(path)
    assert beets_command(of(path, predictions=SCORED[2:3])) == f"beet modify -y path:{path} 'instruments!'\n"
    priced = of(path, labels=[Label("a$b%c"), Label("it's")])
    assert shlex.split(beets_command(priced))[-1] == "instruments=a$$b$%c; it's"
    assert whole_file(of(path, sampling_rate=50, num_samples=200)) == path
    for part in (
        of(path, start=1.0, duration=3.0, num_samples=300, predictions=SCORED),
        of(path, duration=3.0, num_samples=300, predictions=SCORED),
        of(path, padding=1.0, predictions=SCORED),
    ):
        with pytest.raises(AudioError, match=r"is a segment of .*song\.wav"):
            beets_command(part)
    tone(path + ",")
    with pytest.raises(AudioError, match="comma"):
        beets_command(of(path + ",", predictions=SCORED))
    with pytest.raises(AudioError, match="a mix recipe"):
        beets_command(of(None, mix={"tracks": []}, predictions=SCORED))


def test_the_beets_command(run, space: Path) -> None:
    result = run("im-export", "beets", "--from", "labels", "index.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    lines = result.stdout.decode().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines[1] == f"beet modify -y path:{space}/lib/cla/0.wav instruments=cla"
    assert len(lines) == 9


# -------------------------------------------------------------------------------------- JAMS and Audacity


def test_jams_says_what_the_record_says() -> None:
    record = of(labels=LABELS, predictions=[*SCORED, *TIMED, Prediction("other@2", "cel", 0.1)])
    made = jams(record)
    assert made["file_metadata"]["duration"] == 4.0
    first, second = made["annotations"]
    for one in (first, second):
        assert one["namespace"] == "tag_open"
        assert {"data", "annotation_metadata", "sandbox"} <= set(one)
    assert [(o["value"], o["time"], o["duration"], o["confidence"]) for o in first["data"]] == [
        ("cel", 0.5, 1.0, 0.7),
        ("vio", 3.0, 1.0, 0.9),  # no further than the record
    ]
    assert first["annotation_metadata"]["annotator"] == {"model": "net@1"}
    assert second["data"] == []  # it recognizes nothing
    (labelled,) = jams(record, "labels", everything=True)["annotations"]
    assert [(o["value"], o["confidence"]) for o in labelled["data"]] == [
        ("vio", 1.0),
        ("cel", 0.4),
        ("pia", 0.7),
    ]
    assert jams(of())["annotations"] == []


def test_audacity_labelss_count_from_the_beginning_of_the_file() -> None:
    record = of(predictions=SCORED + TIMED)
    assert audacity_labels(record) == "0.500000\t1.500000\tcel 0.70\n3.000000\t4.000000\tvio 0.90\n"
    later = of(start=10.0, labels=[Label("a\tb\n")])
    assert audacity_labels(later) == "10.000000\t14.000000\ta\\tb\\n\n"
    assert audacity_labels(of()) == ""
    with pytest.raises(ManifestError, match="2 models"):
        audacity_labels(of(predictions=[*SCORED, Prediction("other@2", "cel", 0.9)]))


@pytest.mark.parametrize(("kind", "suffix"), [("jams", ".jams"), ("audacity", ".txt")])
def test_a_file_for_each_record(kind: str, suffix: str, run, space: Path, tmp_path: Path) -> None:
    source = space / "segments.jsonl"
    result = run("im-export", kind, "-o", str(tmp_path / "out"), "segments.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    records = list(read_manifest(source))
    for record in records:
        text = (tmp_path / "out" / f"{record.id}{suffix}").read_text()
        if kind == "jams":
            content = json.loads(text)
            (one,) = content["annotations"]
            assert [o["value"] for o in one["data"]] == [label.label for label in record.labels]
            assert content["sandbox"]["audio"] == os.path.abspath(str(record.audio))
        else:
            start, end, label = text.rstrip("\n").split("\t")
            assert (float(start), float(end)) == (record.start, record.start + record.duration)
            assert label == record.labels[0].label
    handed = [json.loads(line)["id"] for line in result.stdout.splitlines()]
    assert handed == [record.id for record in records]
    assert len(list((tmp_path / "out").rglob(f"*{suffix}"))) == len(records)


# --------------------------------------------------------------------------------------------- audiofolder


def test_an_audiofolder_has_metadata_beside_the_audio_of_each_split(run, space: Path, tmp_path: Path) -> None:
    index, segments = (
        list(read_manifest(space / "index.jsonl")),
        list(read_manifest(space / "segments.jsonl")),
    )
    mixed = [
        index[0].replace(split="train"),
        segments[3].replace(split="test", genre="cla", predictions=[Prediction("net@1", "vio", 0.9)]),
        index[5],
        segments[9].replace(split="../up"),
    ]
    write_manifest(tmp_path / "in.jsonl", mixed)
    result = run("im-export", "audiofolder", "-o", "set", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    rows = {}
    for path in sorted((tmp_path / "set").rglob("metadata.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            assert set(row) == {"file_name", "id", "labels", "scores", "groups", "genre", "license"}
            rows[row["id"]] = (path.parent, row)
    assert len(rows) == 4
    assert all(folder.parent == tmp_path / "set" for folder, _ in rows.values())  # no split leads out
    assert {rows[mixed[0].id][0].name, rows[mixed[2].id][0].name} == {"train"}
    assert rows[mixed[1].id][0].name == "test"
    assert rows[mixed[1].id][1]["labels"] == ["vio"]
    assert rows[mixed[1].id][1]["scores"] == [0.9]
    for record in mixed:
        folder, row = rows[record.id]
        there = folder / row["file_name"]
        if record in (mixed[0], mixed[2]):
            assert os.path.samefile(there, str(record.audio))
        else:
            samples, rate = soundfile.read(there, dtype="float32")
            assert rate == record.sampling_rate
            np.testing.assert_allclose(samples, load(record), atol=2**-23)
    back = run("im-index", "set", cwd=tmp_path)
    assert [json.loads(line)["id"] for line in back.stdout.splitlines()] == [record.id for record in mixed]
    copied = run("im-export", "audiofolder", "--copy", "-o", "copy", "in.jsonl", cwd=tmp_path)
    assert copied.returncode == 0
    twin = tmp_path / "copy/train" / f"{mixed[0].id}.wav"
    assert not os.path.samefile(twin, str(mixed[0].audio))
    assert twin.read_bytes() == Path(str(mixed[0].audio)).read_bytes()


def test_placing_again_leaves_no_rubbish_and_no_original_is_written_to(tmp_path: Path) -> None:
    tone(str(tmp_path / "song.wav"))
    original = (tmp_path / "song.wav").read_bytes()
    record = of(str(tmp_path / "song.wav"))
    for copy in (False, False, True, False):
        placed = place_audio(record, tmp_path / "set", copy=copy)
        assert os.listdir(tmp_path / "set/train") == ["song.wav"]
        assert os.path.samefile(str(placed.audio), tmp_path / "song.wav") is not copy
    other = place_audio(of(str(tmp_path / "song.wav"), normalize="peak"), tmp_path / "set", "wav")
    assert Path(str(other.audio)).name == "song.wav"
    assert (tmp_path / "song.wav").read_bytes() == original
    assert np.abs(soundfile.read(str(other.audio))[0]).max() == pytest.approx(1)


def test_files_that_cannot_be_linked_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    tone(str(tmp_path / "song.wav"))
    placed = place_audio(of(str(tmp_path / "song.wav")), tmp_path / "set")
    assert not os.path.samefile(str(placed.audio), tmp_path / "song.wav")
    assert Path(str(placed.audio)).read_bytes() == (tmp_path / "song.wav").read_bytes()


# -------------------------------------------------------------------------------------------------- lhotse


def test_a_cut_lies_in_its_recording(tmp_path: Path) -> None:
    path = str(tmp_path / "song.wav")
    tone(path, channels=2)
    info = probe(path)
    whole = cut(of(path, predictions=SCORED), info)
    file = whole["recording"]
    assert (file["num_samples"], file["sampling_rate"], file["duration"]) == (400, 100, 4.0)
    assert file["sources"] == [{"type": "file", "channels": [0, 1], "source": path}]
    assert (whole["type"], whole["channel"]) == ("MultiCut", [0, 1])
    part = of(path, start=3.0, duration=2.0, num_samples=200, padding=1.0, channels=[1], labels=LABELS[2:])
    later = cut(part, info)
    assert (later["type"], later["channel"], later["start"], later["duration"]) == ("MonoCut", 1, 3.0, 1.0)
    (one,) = later["supervisions"]
    assert (one["start"], one["duration"], one["channel"]) == (0.0, 1.0, 1)
    assert one["custom"] == {"instrument": "pia", "score": 0.7, "present": True}
    assert one["recording_id"] == file["id"] == later["recording"]["id"]
    with pytest.raises(AudioError, match=r"1\.000 s past the end"):
        cut(of(path, start=3.0, duration=2.0, num_samples=200), info)


def test_lhotse_manifests_agree_with_each_other(run, space: Path, tmp_path: Path) -> None:
    result = run("im-export", "lhotse", "-o", str(tmp_path / "out"), "segments.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    read = {
        name: [
            json.loads(line)
            for line in gzip.decompress((tmp_path / f"out/{name}.jsonl.gz").read_bytes()).splitlines()
        ]
        for name in ("recordings", "supervisions", "cuts")
    }
    records = list(read_manifest(space / "segments.jsonl"))
    files = {file["id"]: file for file in read["recordings"]}
    assert len(files) == len(read["recordings"]) == 8
    assert [one["id"] for one in read["cuts"]] == [record.id for record in records]
    assert len({one["id"] for one in read["supervisions"]}) == len(read["supervisions"]) == len(records)
    for record, one, supervision in zip(records, read["cuts"], read["supervisions"], strict=True):
        assert one["recording"] == files[one["recording"]["id"]]
        assert os.path.isabs(one["recording"]["sources"][0]["source"])
        assert (one["start"], one["duration"]) == (record.start, record.duration)
        # Relative to the recording.
        assert (supervision["start"], supervision["duration"]) == (
            record.start,
            record.duration,
        )  # of the recording
        assert supervision["custom"]["instrument"] == record.labels[0].label


# -------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("kind", ["jams", "audacity", "audiofolder", "lhotse"])
def test_files_need_a_place(kind: str, run, space: Path, tmp_path: Path) -> None:
    result = run("im-export", kind, str(space / "segments.jsonl"), cwd=tmp_path)
    assert result.returncode == 2
    assert b"name a directory with -o" in result.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("kind", ["csv", "beets", "tags"])
def test_texts_in_a_dry_run_and_a_closed_pipe(kind: str, run, space: Path) -> None:
    dry = run("im-export", kind, "--dry-run", "index.jsonl", cwd=space)
    assert (dry.returncode, dry.stdout) == (0, b"")
    assert b"dry run: 8 records" in dry.stderr
    read, write = os.pipe()
    os.close(read)
    command = [BIN / "im-export", kind, "--from", "labels", "index.jsonl"]
    piped = run_to_end(command, stdout=write, cwd=space)
    os.close(write)
    assert piped.returncode == 141
    assert b"Traceback" not in piped.stderr


def _examples() -> list[str]:
    texts = [part.epilog or "" for part in command("export").commands.values()]  # type: ignore[attr-defined]
    lines = [line.strip() for text in texts for line in text.partition("Examples:")[2].splitlines()]
    return sorted({line for line in lines if line and " onnx " not in line})


@pytest.mark.parametrize("line", _examples())
def test_every_example_of_the_kinds_works(line: str, shop: Path, tmp_path: Path) -> None:
    shutil.copytree(shop, tmp_path / "shop")
    result = run_script(line, tmp_path / "shop")
    assert result.returncode == 0, result.stderr.decode()
    assert b" 0 failed" in result.stderr
