"""The field INSTRUMENT_ML in audio files: there for any player to read, and nothing else changed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import ID3, TIT2, TPE1, TXXX, TYER
from mutagen.mp4 import MP4FreeForm

from imtools.audio import load
from imtools.errors import AudioError, ImtoolsError
from imtools.export.records.tags import FIELD, check_mutagen, check_whole, read_field, write_field
from imtools.manifest import Prediction, Record, write_manifest
from imtools.run.items import read_items

VALUES = ["cel", "größe; 'q'", "vio"]
RATE = 22050
WRITTEN = ["flac", "ogg", "opus", "mp3", "wav", "aiff"]
KINDS = [*WRITTEN, "m4a", "2.3.mp3"]


def note(path: Path, seconds: float = 2.0) -> Path:
    """Write a tone in the format that the name says."""
    rate = 48000 if path.suffix == ".opus" else RATE
    time = np.arange(round(seconds * rate)) / rate
    samples = 0.3 * np.sin(2 * np.pi * 440 * time)
    if path.suffix == ".m4a":
        if shutil.which("ffmpeg") is None:
            pytest.skip("m4a is written by ffmpeg, which is not installed")
        source = note(path.with_suffix(".wav"), seconds)
        subprocess.run(["ffmpeg", "-v", "error", "-i", source, path], check=True, stdin=subprocess.DEVNULL)
        source.unlink()
    elif path.suffix == ".opus":
        soundfile.write(path, samples, rate, format="OGG", subtype="OPUS")
    else:
        soundfile.write(path, samples, rate)
    return path


def tagged(path: Path) -> Path:
    """Write a tone that has tags of many kinds already."""
    note(path)
    file = mutagen.File(path)
    if path.suffix in (".mp3", ".wav", ".aiff"):
        if file.tags is None:
            file.add_tags()
        file.tags.add(TIT2(encoding=3, text=["Suite"]))
        file.tags.add(TPE1(encoding=1, text=["A", "B é"]))
        file.tags.add(TXXX(encoding=0, desc="mood", text=["calm"]))
        if path.name == "2.3.mp3":
            file.tags.add(TYER(encoding=0, text=["1999"]))
            file.save(v2_version=3, v23_sep=None)
            add_tail(path)
        else:
            file.save()
    elif path.suffix == ".m4a":
        file["\xa9nam"] = ["Suite"]
        file["trkn"] = [(3, 9)]
        file["----:com.apple.iTunes:mood"] = [MP4FreeForm(b"calm")]
        file.save()
    else:
        file["title"] = ["Suite"]
        file["artist"] = ["A", "B é"]
        if path.suffix == ".flac":
            picture = Picture()
            picture.data = bytes(range(200))
            file.add_picture(picture)
        file.save()
    return path


def add_tail(path: Path) -> None:
    """Add an APE tag, and an ID3v1 tag that says other things than the ID3v2 tag."""
    ape = APEv2()
    ape["Album"] = "Ape"
    ape.save(path)
    with open(path, "ab") as stream:
        stream.write(b"TAG" + b"Other".ljust(30, b" ") + bytes(94) + b"\x07")


def others(path: Path) -> object:
    """Return all tags but the field, by mutagen's plain reading."""
    file = mutagen.File(path)
    pictures = [p.write() for p in getattr(file, "pictures", [])]
    if isinstance(file.tags, ID3):
        version = file.tags.version if file.tags else None
        return version, sorted((k, repr(v)) for k, v in file.tags.items() if FIELD not in k)
    if isinstance(file.tags, list):
        return [(key, value) for key, value in file.tags if key.upper() != FIELD], pictures
    return sorted((key, repr(value)) for key, value in file.tags.items() if FIELD not in key)


def samples(path: Path) -> np.ndarray:
    (item,) = read_items([str(path)])
    return load(item.resolve(), mono=False)


def plain_values(path: Path) -> list[str]:
    """Return the field as another program finds it."""
    tags = mutagen.File(path).tags
    if isinstance(tags, ID3):
        return [str(value) for value in tags[f"TXXX:{FIELD}"].text]
    if path.suffix == ".m4a":
        return [bytes(value).decode() for value in tags[f"----:com.apple.iTunes:{FIELD}"]]
    return list(tags[FIELD])


@pytest.mark.parametrize("name", KINDS)
def test_the_field_comes_and_goes_and_nothing_else_does(name: str, tmp_path: Path) -> None:
    path = tagged(tmp_path / (name if "." in name else f"a.{name}"))
    kept, sound = others(path), samples(path)
    assert read_field(path) == []
    for values in (VALUES, ["vio"], []):
        write_field(path, values)
        assert read_field(path) == values
        assert others(path) == kept
        np.testing.assert_array_equal(samples(path), sound)
        if values:
            assert plain_values(path) == values
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", [*WRITTEN, "m4a"])
def test_files_without_tags_get_them(name: str, tmp_path: Path) -> None:
    path = note(tmp_path / f"a.{name}")
    sound = samples(path)
    before = path.read_bytes()
    write_field(path, [])
    assert path.read_bytes() == before  # nothing to do
    write_field(path, VALUES)
    assert plain_values(path) == VALUES
    if name in ("mp3", "wav", "aiff"):
        assert mutagen.File(path).tags.version == (2, 4, 0)
    np.testing.assert_array_equal(samples(path), sound)


def test_what_follows_the_tag_of_an_mp3_is_the_same_to_the_byte(tmp_path: Path) -> None:
    path = tagged(tmp_path / "2.3.mp3")
    rest = path.read_bytes()[ID3(path).size :]
    assert rest.endswith(b"\x07")
    for values in (VALUES, []):
        write_field(path, values)
        tags = ID3(path, translate=False)
        assert tags.version == (2, 3, 0)
        assert "TYER" in tags
        assert path.read_bytes()[tags.size :] == rest
    assert APEv2(path)["Album"] == "Ape"


def test_a_file_with_an_old_tag_at_its_end_only(tmp_path: Path) -> None:
    path = note(tmp_path / "a.mp3")
    add_tail(path)
    whole = path.read_bytes()
    write_field(path, VALUES)
    tags = ID3(path, load_v1=False)
    assert list(tags) == [f"TXXX:{FIELD}"]  # what the old tag says is not copied into the new one
    assert path.read_bytes()[tags.size :] == whole


def test_tags_that_could_not_be_kept_are_left_alone(tmp_path: Path) -> None:
    old = note(tmp_path / "a.mp3")
    body = b"TT2" + (6).to_bytes(3, "big") + b"\0Suite"
    old.write_bytes(b"ID3\2\0\0" + struct.pack(">I", len(body)) + body + old.read_bytes())
    torn = tagged(tmp_path / "b.flac")
    torn.write_bytes(torn.read_bytes().replace(b"title=Suite", b"title=Su\xefte"))
    for path, message in ((old, "ID3 version 2.2"), (torn, "not UTF-8")):
        before = path.read_bytes()
        with pytest.raises(AudioError, match=message):
            write_field(path, VALUES)
        assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.mp3", "b.flac"]


def test_what_is_no_taggable_audio(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no audio")
    (tmp_path / "a.flac").write_bytes(b"fLaC")
    (tmp_path / "a.mp3").write_bytes(b"")
    for name in ("a.txt", "a.flac", "a.mp3", "gone.flac"):
        with pytest.raises(AudioError, match=name):
            read_field(tmp_path / name)


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tagged(tmp_path / "a.flac")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for function in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, fail)
            with pytest.raises(OSError, match="space"):
                write_field(path, VALUES)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["a.flac"]


def test_mode_times_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tagged(tmp_path / "a.flac")
    os.chmod(path, 0o640)
    os.utime(path, ns=(10**18, 10**18))
    os.link(path, tmp_path / "twin.flac")
    os.symlink("a.flac", tmp_path / "link.flac")
    before = path.read_bytes()
    write_field(tmp_path / "link.flac", ["cel"], keep_time=True)
    assert os.path.islink(tmp_path / "link.flac")
    assert read_field(path) == ["cel"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_mtime_ns == 10**18
    assert (tmp_path / "twin.flac").read_bytes() == before
    write_field(path, ["vio"])
    assert path.stat().st_mtime_ns > 10**18
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(AudioError, match="is not writable"):
        write_field(path, ["pia"])
    assert read_field(path) == ["vio"]


def record(path: Path, **changes: object) -> Record:
    info = soundfile.info(path)
    settings = {
        "start": 0.0, "duration": info.frames / info.samplerate, "sampling_rate": info.samplerate,
        "num_samples": info.frames, "predictions": [Prediction("net@1", "vio", 0.9)],
    }  # fmt: skip
    return Record(path.name.replace(".", "-"), str(path), **(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WRITTEN)
def test_only_whole_files_are_taken(name: str, tmp_path: Path) -> None:
    path = note(tmp_path / f"a.{name}")
    assert check_whole(record(path)) == str(path)
    whole = record(path)
    for part in (
        whole.replace(start=0.5, duration=1.5, num_samples=whole.num_samples * 3 // 4),
        whole.replace(duration=1.0, num_samples=whole.num_samples // 2),
        whole.replace(padding=0.5),
    ):
        with pytest.raises(AudioError, match="is a segment of"):
            check_whole(part)


def test_without_mutagen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "mutagen" else find(name, *rest)
    )
    with pytest.raises(ImtoolsError, match=r"pip install 'imtools\[tags\]'"):
        check_mutagen()
    with pytest.raises(ImtoolsError, match="mutagen"):
        read_field(tmp_path / "a.flac")


# --------------------------------------------------------------------------------------------- the command


def _lines(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_command_shows_changes_and_writes_on_request(run, tmp_path: Path) -> None:
    paths = [tagged(tmp_path / f"a.{suffix}") for suffix in ("flac", "mp3", "ogg")]
    predictions = [
        [Prediction("net@1", "vio", 0.9), Prediction("net@1", "cel", 0.6), Prediction("net@1", "pia", 0.1)],
        [Prediction("net@1", "vio", 0.3)],
        [Prediction("net@1", "pia", 0.3, present=True)],
    ]
    write_manifest(
        tmp_path / "p.jsonl",
        [record(path, predictions=found) for path, found in zip(paths, predictions, strict=True)],
    )
    write_field(paths[1], ["old"])
    before = [path.read_bytes() for path in paths]
    expected = [
        {"audio": "a.flac", "field": FIELD, "old": [], "new": ["cel", "vio"]},
        {"audio": "a.mp3", "field": FIELD, "old": ["old"], "new": []},
        {"audio": "a.ogg", "field": FIELD, "old": [], "new": ["pia"]},
    ]
    shown = run("im-export", "tags", "p.jsonl", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr.decode()
    assert _lines(shown) == expected
    assert [path.read_bytes() for path in paths] == before
    written = run("im-export", "tags", "--write", "--jobs", "3", "p.jsonl", cwd=tmp_path)
    assert written.returncode == 0, written.stderr.decode()
    assert written.stdout == shown.stdout
    assert [read_field(path) for path in paths] == [line["new"] for line in expected]
    nodes = [path.stat().st_ino for path in paths]
    again = run("im-export", "tags", "--write", "p.jsonl", cwd=tmp_path)
    assert [line["old"] for line in _lines(again)] == [line["new"] for line in _lines(again)]
    assert [path.stat().st_ino for path in paths] == nodes  # what is so already is not written again
    cleared = run("im-export", "tags", "--write", "--clear", *map(str, paths), cwd=tmp_path)
    assert cleared.returncode == 0, cleared.stderr.decode()
    assert [read_field(path) for path in paths] == [[], [], []]


def test_one_bad_file_stops_no_other(run, tmp_path: Path) -> None:
    good, other, part = (note(tmp_path / name) for name in ("good.flac", "other.ogg", "part.wav"))
    bad = note(tmp_path / "bad.flac")
    silent = note(tmp_path / "silent.flac")
    records = [
        record(good),
        record(bad),
        record(part, start=0.5, duration=1.0, num_samples=RATE),
        record(silent, predictions=[]),
        record(good).replace(id="again"),
        record(tmp_path / "other.ogg"),
    ]
    write_manifest(tmp_path / "p.jsonl", records)
    bad.write_bytes(b"no longer audio")
    arguments = ("tags", "--write", "--failures", "f.jsonl", "p.jsonl")
    result = run("im-export", *arguments, cwd=tmp_path)
    assert result.returncode == 3, result.stderr.decode()
    assert [line["audio"] for line in _lines(result)] == ["good.flac", "other.ogg"]
    assert read_field(good) == read_field(other) == ["vio"]
    failed = {f["id"]: f["message"] for f in map(json.loads, (tmp_path / "f.jsonl").read_text().splitlines())}
    assert set(failed) == {"bad-flac", "part-wav", "silent-flac", "again"}
    assert "bad.flac" in failed["bad-flac"]
    assert "is a segment" in failed["part-wav"]
    assert "neither labels nor predictions" in failed["silent-flac"]
    assert "second time" in failed["again"]
    assert read_field(silent) == read_field(part) == []


def test_of_two_names_of_a_file_the_first_counts(run, tmp_path: Path) -> None:
    names = [f"{number:02d}.flac" for number in range(8)]
    for name in names:
        note(tmp_path / name)
        (tmp_path / f"link-{name}").symlink_to(name)
    order = [name for pair in ((name, f"link-{name}") for name in names) for name in pair]
    write_manifest(tmp_path / "p.jsonl", [record(tmp_path / name) for name in order])
    for _ in range(3):
        result = run("im-export", "tags", "-j", "4", "p.jsonl", cwd=tmp_path)
        assert result.returncode == 3
        assert [line["audio"] for line in _lines(result)] == names


def test_odd_names(run, tmp_path: Path) -> None:
    names = ["two words.flac", "line\nbreak.flac", "caf\udce9.flac", "größe.flac", "-o.flac"]
    (tmp_path / "in").mkdir()
    plain = note(tmp_path / "plain.flac")
    for name in names:
        shutil.copy(plain, os.fsencode(tmp_path / "in" / name))
    folder = tmp_path / "cel"
    os.rename(tmp_path / "in", folder)
    (tmp_path / "music").mkdir()
    os.rename(folder, tmp_path / "music/cel")
    result = run("im-export", "tags", "--from", "labels", "--write", "music", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    assert {line["audio"] for line in _lines(result)} == {f"music/cel/{name}" for name in names}
    assert all(read_field(tmp_path / "music/cel" / name) == ["cel"] for name in names)
    assert len(os.listdir(tmp_path / "music/cel")) == len(names)
