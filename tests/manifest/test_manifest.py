"""The manifest: round trips, validation, paths, ids."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imtools.errors import ManifestError
from imtools.manifest import (
    FeatureRef,
    Label,
    Record,
    dump_line,
    make_id,
    parse_line,
    read_manifest,
    rebase,
    unique_ids,
    write_manifest,
)
from imtools.manifest.stream import read_lines
from imtools.units import resampled_length, samples_to_seconds, seconds_to_samples
from shell import run_script

MINIMAL = {
    "schema": "imtools/segment/1",
    "id": "a/b-1",
    "audio": "x.wav",
    "start": 0.0,
    "duration": 1.0,
    "sampling_rate": 22050,
    "num_samples": 22050,
}

names = st.text(min_size=1, max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(
    extra=st.dictionaries(
        names.filter(lambda k: k not in Record.__dataclass_fields__), json_values, max_size=4
    ),
    fold=st.none() | st.integers(0, 9),
    padding=st.floats(0, 10),
    labels=st.lists(st.builds(Label, names, st.floats(0, 1), st.none() | names), max_size=3),
    audio=names,
)
def test_a_record_survives_the_round_trip_with_all_keys(extra, fold, padding, labels, audio) -> None:
    record = Record.from_json(MINIMAL | {"audio": audio, "fold": fold, "padding": padding} | extra)
    record.labels = labels
    line = dump_line(record)
    assert line.endswith("\n")
    assert line.isascii()
    assert line.count("\n") == 1
    again = parse_line(line, "here:1")
    assert again == record
    assert dump_line(again) == line


@given(st.integers(0, 10**9), st.integers(1, 192000))
def test_samples_and_seconds_convert_back_exactly(num_samples: int, rate: int) -> None:
    assert seconds_to_samples(samples_to_seconds(num_samples, rate), rate) == num_samples


@given(st.integers(0, 10**9), st.integers(1, 192000), st.integers(1, 192000))
def test_resampled_length_is_the_nearest_integer(num_samples: int, rate: int, other: int) -> None:
    exact = num_samples * other
    assert abs(resampled_length(num_samples, rate, other) * rate - exact) * 2 <= rate


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema": "imtools/segment/9"}, "schema"),
        ({"id": "with space"}, "id"),
        ({"id": ""}, "id"),
        ({"audio": 3}, "audio"),
        ({"audio": None}, "audio"),
        ({"start": -1}, "start"),
        ({"start": "0"}, "start"),
        ({"duration": True}, "duration"),
        ({"sampling_rate": 0}, "sampling_rate"),
        ({"sampling_rate": 22050.0}, "sampling_rate"),
        ({"num_samples": -1}, "num_samples"),
        ({"channels": [-1]}, "channels"),
        ({"normalize": "loud"}, "normalize"),
        ({"labels": {}}, "labels"),
        ({"labels": [{"presence": 1}]}, "labels[0].label"),
        ({"labels": [{"label": "cel", "presence": 2}]}, "labels[0].presence"),
        ({"labels_complete": 1}, "labels_complete"),
        ({"groups": [1]}, "groups"),
        (
            {
                "features": {
                    "cqt": {"path": "f.npy", "row": -1, "shape": [], "dtype": "float32", "config": ""}
                }
            },
            "features.cqt.row",
        ),
        ({"predictions": [{"model": "m", "label": "cel", "score": "high"}]}, "predictions[0].score"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_line(change, named, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(MINIMAL) + "\n" + json.dumps(MINIMAL | change) + "\n")
    with pytest.raises(ManifestError) as caught:
        list(read_manifest(path))
    assert f"{path}:2" in str(caught.value)
    assert repr(named) in str(caught.value)


@pytest.mark.parametrize("key", list(MINIMAL))
def test_every_required_key_is_required(key: str) -> None:
    with pytest.raises(ManifestError, match=f"'{key}' is missing"):
        Record.from_json({k: v for k, v in MINIMAL.items() if k != key})


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{", "nonsense", "[" * 100_000])
def test_a_line_that_is_no_object_is_an_error(text: str) -> None:
    with pytest.raises(ManifestError, match="here:7"):
        parse_line(text, "here:7")


def test_nan_is_never_written() -> None:
    record = Record.from_json(MINIMAL)
    record.extra["level"] = float("nan")
    with pytest.raises(ManifestError, match="a/b-1"):
        dump_line(record)


def test_paths_are_rebased_everywhere_but_in_the_source(tmp_path: Path) -> None:
    record = Record.from_json(MINIMAL | {"source": {"audio": "x.wav"}})
    record.features = {"cqt": FeatureRef("f.npy", 0, (96, 87), "float32", "sha256:0")}
    record.mix = {"tracks": [{"id": "t", "audio": "t.wav"}, {"id": "u", "audio": "/abs/u.wav"}]}
    moved = rebase(record, tmp_path / "a", tmp_path / "b")
    assert moved.audio == os.path.join("..", "a", "x.wav")
    assert moved.features["cqt"].path == os.path.join("..", "a", "f.npy")
    assert [t["audio"] for t in moved.mix["tracks"]] == [os.path.join("..", "a", "t.wav"), "/abs/u.wav"]
    assert moved.source == {"audio": "x.wav"}
    assert rebase(moved, tmp_path / "b", tmp_path / "a") == record


@pytest.mark.parametrize("name", ["m.jsonl", "m.jsonl.gz"])
def test_written_and_read_again_from_another_folder(name: str, tmp_path: Path, monkeypatch) -> None:
    records = [Record.from_json(MINIMAL | {"id": f"r{i}", "audio": "audio/x.wav"}) for i in range(5)]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    assert write_manifest(f"deep/{name}", records) == 5
    assert list(read_manifest(f"deep/{name}")) == records
    monkeypatch.chdir(tmp_path / "deep")
    assert next(iter(read_manifest(name))).audio == str(tmp_path / "audio" / "x.wav")
    assert os.listdir(tmp_path / "deep") == [name]


def test_the_same_records_give_the_same_gzip_bytes(tmp_path: Path) -> None:
    record = Record.from_json(MINIMAL)
    write_manifest(tmp_path / "a.jsonl.gz", [record])
    write_manifest(tmp_path / "b.jsonl.gz", [record])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_a_torn_last_line_is_an_item_but_a_bad_line_before_it_is_fatal(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    good = json.dumps(MINIMAL)
    path.write_text(good + "\n" + good[:40])
    results = [result for _, result in read_lines(path)]
    assert isinstance(results[0], Record)
    assert isinstance(results[1], ManifestError)
    assert "torn" in str(results[1])
    path.write_text(good[:40] + "\n" + good + "\n")
    with pytest.raises(ManifestError, match=r"torn\.jsonl:1: not valid JSON"):
        list(read_lines(path))


def test_blank_lines_are_passed_over_and_missing_files_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text("\n" + json.dumps(MINIMAL) + "\n  \n")
    assert len(list(read_manifest(path))) == 1
    with pytest.raises(ManifestError, match=r"gone\.jsonl: cannot be read"):
        list(read_manifest(tmp_path / "gone.jsonl"))
    (tmp_path / "fake.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(ManifestError, match=r"fake\.jsonl\.gz"):
        list(read_manifest(tmp_path / "fake.jsonl.gz"))
    whole = gzip.compress(json.dumps(MINIMAL).encode() * 100)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(ManifestError, match=r"cut\.jsonl\.gz"):
        list(read_manifest(tmp_path / "cut.jsonl.gz"))


@given(
    st.text(min_size=1).filter(lambda s: "\0" not in s), st.text(min_size=1).filter(lambda s: "\0" not in s)
)
def test_names_that_differ_get_ids_that_differ(one: str, other: str) -> None:
    first, second = make_id(one), make_id(other)
    Record.from_json(MINIMAL | {"id": first})
    assert (first == second) == (one == other)


def test_ids_keep_files_apart_that_differ_in_the_extension_only() -> None:
    paths = [
        PurePath(p) for p in ("a/b.wav", "a/b.flac", "a/c.wav", "a/b-wav.ogg", "a b.wav", "a,b.wav", "none")
    ]
    ids = unique_ids(paths, "set")
    assert len(set(ids)) == len(paths)
    assert ids[2] == "set/a/c"
    assert ids[6] == "set/none"


def test_get_follows_dotted_keys() -> None:
    record = Record.from_json(MINIMAL | {"source": {"dataset": "irmas"}, "mood": {"x": 1}})
    assert record.get("source.dataset") == "irmas"
    assert record.get("mood.x") == 1
    assert record.get("mood.y.z") is None
    with pytest.raises(ManifestError, match="goes through"):
        record.get("id.x")


def test_redirected_streams_are_manifests_of_their_folder(run, make_tone, tmp_path: Path) -> None:
    make_tone("lib/a.wav")
    (tmp_path / "deep").mkdir()
    script = (
        "im-index lib > deep/index.jsonl;"
        "im-segment < deep/index.jsonl | im-segment --length 0.5 > deep/half.jsonl"
    )
    assert run_script(script, tmp_path).returncode == 0
    records = list(read_manifest(tmp_path / "deep" / "half.jsonl"))
    assert len(records) == 4
    assert all(os.path.samefile(record.audio, tmp_path / "lib" / "a.wav") for record in records)
    piped = "cat deep/half.jsonl | im-segment --length 0.25 | tail -1 > last.jsonl; cat last.jsonl"
    result = run_script(piped, tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    assert b'"audio":"lib/a.wav"' in result.stdout
