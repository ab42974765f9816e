"""Layouts: tiny trees with the real data sets' names, whole and broken."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import re
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imtools.errors import AudioError, ManifestError, UsageError
from imtools.features import front_end
from imtools.features.sidecar import front_end_of
from imtools.layouts import (
    LAYOUTS,
    ManifestSummary,
    check,
    complete,
    detect,
    file_entries,
    get_layout,
    irmas_mel,
)
from imtools.layouts.irmas import Clip
from imtools.layouts.recordings import recording_group
from imtools.manifest import Label, Record, dump_line, parse_line, write_manifest

RATE = 8000


def wav(path: Path, samples: int = 80) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".flac": "FLAC", ".ogg": "OGG"}.get(path.suffix, "WAV")
    soundfile.write(os.fsencode(path), np.linspace(-0.5, 0.5, samples), RATE, format=kind)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def listed(root: Path, layout: str = "auto") -> list:
    """The entries, by the layout; their ids are valid, unique, and the same the second time."""
    chosen = detect(root) if layout == "auto" else get_layout(layout)
    entries = list(chosen.entries(root))
    assert entries == list(chosen.entries(root))
    ids = [entry.id for entry in entries]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_/-]+", id) for id in ids)
    return entries


def records(root: Path, layout: str = "auto") -> list[Record]:
    """The records of a tree without faults, which survive being written and read."""
    found = [complete(entry) for entry in listed(root, layout)]
    assert [parse_line(dump_line(record), "x:1") for record in found] == found
    return found


def faults(root: Path, layout: str = "auto") -> dict[str, str]:
    """What goes wrong, by file name; everything else in the tree is right."""
    found = {}
    for entry in listed(root, layout):
        try:
            complete(entry)
        except (ManifestError, AudioError) as error:
            found[Path(entry.audio).name] = str(error)
    return found


def labels_of(record: Record) -> list[str]:
    return [label.label for label in record.labels]


# --- files and folders


def test_files_come_sorted_by_bytes_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.wav", "a/2.FLAC", "a/10.wav", "é.wav", "Z.wav", ".hidden.wav", ".git/c.wav", "a/._2.wav"):
        wav(tmp_path / name)
    text(tmp_path / "notes.txt", "no audio")
    text(tmp_path / ".DS_Store", "x")
    assert detect(tmp_path).name == "files"
    found = records(tmp_path)
    names = [str(Path(record.audio or "").relative_to(tmp_path)) for record in found]
    assert names == ["Z.wav", "a/10.wav", "a/2.FLAC", "b.wav", "é.wav"]
    assert [record.source["audio"] for record in found] == names
    assert all(record.groups == [record.id] and not record.labels for record in found)
    assert not any(record.labels_complete for record in found)
    first = found[0]
    assert (first.start, first.duration, first.sampling_rate, first.num_samples) == (0.0, 0.01, RATE, 80)


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9, 1.wav")
    try:
        wav(tmp_path / name)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    (record,) = records(tmp_path)
    assert record.audio == str(tmp_path / name)


def test_folder_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    wav(tmp_path / "elsewhere" / "x.wav")
    wav(tmp_path / "root" / "deep" / "inner" / "a.wav")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "deep" / "inner" / "up").symlink_to(tmp_path / "root")
    names = [Path(entry.audio).name for entry in listed(tmp_path / "root")]
    assert names == ["a.wav", "x.wav"]


def test_a_single_file_and_a_missing_one(tmp_path: Path) -> None:
    path = wav(tmp_path / "one.wav")
    assert detect(path).name == "files"
    (record,) = records(path)
    assert (record.id, record.audio) == ("one", str(path))
    (entry,) = listed(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match=r"gone\.wav"):
        complete(entry)
    with pytest.raises(ManifestError, match="does not exist"):
        detect(tmp_path / "gone")


def test_same_names_in_two_places_can_be_told_apart(tmp_path: Path) -> None:
    first, second = file_entries([wav(tmp_path / "a" / "x.wav"), wav(tmp_path / "b" / "x.wav")])
    assert first.id == second.id == "x"
    record = complete(second.renamed("x-2"))
    assert (record.id, record.groups, record.audio) == ("x-2", ["x-2"], str(tmp_path / "b" / "x.wav"))


def test_folder_names_are_labels(tmp_path: Path) -> None:
    for name in ("cel/1.wav", "cel/1.flac", "acoustic guitar/1.wav", ".cache/1.wav"):
        wav(tmp_path / name)
    text(tmp_path / "README", "x")
    assert detect(tmp_path).name == "folders"
    found = records(tmp_path)
    assert [labels_of(record) for record in found] == [["acoustic guitar"], ["cel"], ["cel"]]
    assert all(record.labels_complete and record.groups == [record.id] for record in found)


def test_albums_of_artists_are_no_classes(tmp_path: Path) -> None:
    wav(tmp_path / "Artist" / "Album" / "1.wav")
    wav(tmp_path / "Artist" / "single.wav")
    assert detect(tmp_path).name == "files"
    assert [labels_of(record) for record in records(tmp_path, "folders")] == [["Artist"], ["Artist"]]


def test_a_file_beside_class_folders_is_a_fault(tmp_path: Path) -> None:
    wav(tmp_path / "cel" / "1.wav")
    wav(tmp_path / "loose.wav")
    assert list(faults(tmp_path, "folders")) == ["loose.wav"]


def test_folders_without_audio_are_refused_with_the_names_of_the_layouts(tmp_path: Path) -> None:
    text(tmp_path / "readme.txt", "x")
    with pytest.raises(ManifestError) as error:
        detect(tmp_path)
    assert all(name in str(error.value) for name in LAYOUTS)
    for name, layout in LAYOUTS.items():
        with pytest.raises(ManifestError):
            list(layout.entries(tmp_path))
        assert not layout.matches(tmp_path), name


def test_unknown_layout_names_are_refused() -> None:
    with pytest.raises(UsageError, match="irmas-train"):
        get_layout("irmas")


# --- IRMAS


def test_irmas_training(tmp_path: Path) -> None:
    for name in (
        "cla/[cla][cla]0189__2.wav",
        "cla/081__[cla][nod][cla]0316__1.wav",
        "cla/[cla][cla]0316__1.wav",
        "gel/014__[gel][---][pop_roc]0978__3.wav",
        "tru/014__[tru][dru][jaz_blu]2000__1.wav",
    ):
        wav(tmp_path / name)
    text(tmp_path / "README.txt", "x")
    text(tmp_path / "cla" / ".DS_Store", "x")
    assert detect(tmp_path).name == "irmas-train"
    found = {Path(record.audio or "").name: record for record in records(tmp_path)}
    by_position = found["[cla][cla]0189__2.wav"]
    assert by_position.labels == [Label("cla", role="predominant")]
    assert (by_position.genre, by_position.groups) == ("cla", ["irmas/0189"])
    assert not by_position.labels_complete
    assert by_position.source == {
        "dataset": "irmas",
        "audio": "cla/[cla][cla]0189__2.wav",
        "license": "CC-BY-NC-SA-3.0",
    }
    assert by_position.id.startswith("irmas-train/cla/")
    assert [r.extra.get("drums") for r in found.values()] == [False, None, None, None, True]
    assert found["081__[cla][nod][cla]0316__1.wav"].groups == found["[cla][cla]0316__1.wav"].groups
    assert found["014__[gel][---][pop_roc]0978__3.wav"].genre == "pop_roc"


def test_irmas_training_mistakes_fail_one_by_one(tmp_path: Path) -> None:
    wav(tmp_path / "cel" / "[cel][cla]0001__1.wav")
    wav(tmp_path / "cel" / "[vio][cla]0002__1.wav")
    wav(tmp_path / "cel" / "song.wav")
    text(tmp_path / "cel" / "[cel][cla]0003__1.wav", "no audio")
    found = faults(tmp_path)
    assert list(found) == ["[cel][cla]0003__1.wav", "[vio][cla]0002__1.wav", "song.wav"]
    assert "'vio'" in found["[vio][cla]0002__1.wav"]
    assert "'cel'" in found["[vio][cla]0002__1.wav"]
    assert str(tmp_path / "cel" / "song.wav") in found["song.wav"]


@pytest.mark.parametrize(
    "name", ["[cel]0001__1", "[xyz][cla]0001__1", "[cel][cla]0001", "a[cel][cla]0001__1"]
)
def test_names_that_are_not_of_irmas(name: str) -> None:
    assert Clip.parse(name) is None


PARTS = {
    "IRMAS-TestingData-Part1/Part1": {"02 - And The Body Will Die-8": "gel\t\nvoi\t\n"},
    "IRMAS-TestingData-Part2/IRTestingData-Part2": {
        "(01) dont kill the whale-1": "gac\t\nvoi\t\ngel\t\n",
        "(01) dont kill the whale-10": "gel\t\n",
    },
    "IRMAS-TestingData-Part3/Part3": {"Félix, vol. 2 - Señor (7.5)-3": "pia\t\n"},
}


@pytest.fixture
def irmas_testing(tmp_path: Path) -> Path:
    root = tmp_path / "IRMAS"
    for folder, excerpts in PARTS.items():
        for stem, content in excerpts.items():
            wav(root / folder / f"{stem}.wav")
            text(root / folder / f"{stem}.txt", content)
    (root / "IRMAS-TestingData-Part2" / "IRTestingData-Part2" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1\xff")
    text(root / "IRMAS-TestingData-Part1" / "Part1" / "README.txt", "IRMAS, a data set\n")
    return root


def test_irmas_testing(irmas_testing: Path) -> None:
    assert detect(irmas_testing).name == "irmas-test"
    found = records(irmas_testing)
    assert [labels_of(r) for r in found] == [["gel", "voi"], ["gac", "voi", "gel"], ["gel"], ["pia"]]
    assert all(record.labels_complete and record.split == "test" for record in found)
    assert found[1].groups == found[2].groups == ["irmas-test/(01) dont kill the whale"]
    assert found[3].groups == ["irmas-test/Félix, vol. 2 - Señor (7.5)"]
    assert found[0].source["audio"] == "IRMAS-TestingData-Part1/Part1/02 - And The Body Will Die-8.wav"


@pytest.mark.parametrize("part", PARTS)
def test_one_part_of_irmas_testing(irmas_testing: Path, part: str) -> None:
    for root in (irmas_testing / part, irmas_testing / Path(part).parent):
        assert detect(root).name == "irmas-test"
        assert len(records(root)) == len(PARTS[part])


def test_irmas_testing_mistakes_fail_one_by_one(irmas_testing: Path) -> None:
    folder = irmas_testing / "IRMAS-TestingData-Part1" / "Part1"
    wav(folder / "no list-1.wav")
    for stem, content in (("wrong-1", "gel\t\nguitar\t\n"), ("empty-1", "\t\n")):
        wav(folder / f"{stem}.wav")
        text(folder / f"{stem}.txt", content)
    text(folder / "no audio-1.txt", "sax\t\n")
    found = faults(irmas_testing)
    assert sorted(found) == ["empty-1.wav", "no audio-1.wav", "no list-1.wav", "wrong-1.wav"]
    assert f"{folder / 'wrong-1.txt'}:2: 'guitar'" in found["wrong-1.wav"]
    assert "no list-1.txt" in found["no list-1.wav"]


# --- the mel archive


def archive(path: Path, **changes: np.ndarray) -> Path:
    names = np.array(["013__[cel][nod][cla]0025__1", "[voi][pop_roc]2500__2", "[voi][pop_roc]2500__3"])
    X = np.arange(3 * 128 * 130, dtype=np.uint32).reshape(3, 128, 130).astype(np.uint8)
    arrays = {"X": X, "label": np.array(["cel", "voi", "voi"]), "name": names}
    np.savez_compressed(path, **(arrays | changes))
    return path


def test_the_mel_archive_becomes_rows(tmp_path: Path) -> None:
    path = archive(tmp_path / "train.npz")
    layout = detect(path)
    assert layout.name == "irmas-mel"
    assert detect(tmp_path) is layout
    assert layout.convert is not None
    found = list(layout.convert(path, tmp_path / "out"))
    assert [parse_line(dump_line(record), "x:1") for record in found] == found
    first = found[0]
    assert first.id.startswith("irmas-mel/cel/013__-cel-nod-cla-0025__1")
    assert (first.audio, first.sampling_rate, first.num_samples, first.duration) == (None, 22050, 66150, 3.0)
    assert (first.genre, first.groups, first.extra) == ("cla", ["irmas/0025"], {"drums": False})
    assert first.labels == [Label("cel", role="predominant")]
    assert not first.labels_complete
    assert found[1].groups == found[2].groups
    ref = found[2].features["mel"]
    assert (ref.shape, ref.dtype, ref.row) == ((123, 130), "float16", 2)
    assert ref.config == front_end("irmas-mel").config_hash
    assert front_end_of("mel", ref).config_hash == ref.config
    rows = np.load(ref.path)
    X = np.load(path)["X"][:, :123].astype(np.float64)
    assert np.abs(rows - (-80 + (X + 0.5) * 80 / 256)).max() < 0.04  # float16 between 64 and 128
    with pytest.raises(ManifestError, match="-o"):
        list(layout.entries(path))


def test_converting_again_gives_the_same_bytes(tmp_path: Path) -> None:
    path, folder = archive(tmp_path / "train.npz"), tmp_path / "out"
    first = list(irmas_mel.convert(path, folder))
    content = (folder / "mel-00000.npy").read_bytes()
    assert list(irmas_mel.convert(tmp_path, folder)) == first
    assert (folder / "mel-00000.npy").read_bytes() == content


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"label": np.array(["vio", "voi", "voi"])}, "'vio'"),
        ({"label": np.array(["cel", "voi"])}, "2 labels"),
        ({"X": np.zeros((3, 128, 130), np.float32)}, "float32"),
        ({"name": np.array(["a", "b", "c"], dtype=object)}, "archive of arrays"),
    ],
)
def test_wrong_mel_archives_are_refused(tmp_path: Path, changes: dict[str, np.ndarray], what: str) -> None:
    path = archive(tmp_path / "train.npz", **changes)
    with pytest.raises(ManifestError, match=what) as error:
        list(irmas_mel.convert(path, tmp_path / "out"))
    assert str(path) in str(error.value)


def test_damaged_mel_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.npz"
    np.savez(path, other=np.zeros(3))
    with pytest.raises(ManifestError, match="lacks"):
        list(irmas_mel.convert(path, tmp_path / "out"))
    content = archive(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert detect(path).name == "files"
    with pytest.raises(ManifestError, match=r"train\.npz"):
        list(irmas_mel.convert(path, tmp_path / "out"))


# --- NSynth


def note(
    family: str = "bass", instrument: str = "bass_electronic_018", **changes: object
) -> dict[str, object]:
    return {
        "note": 1,
        "note_str": "x",
        "instrument": 5,
        "instrument_str": instrument,
        "pitch": 22,
        "velocity": 100,
        "sample_rate": 16000,
        "qualities": [0] * 10,
        "qualities_str": ["dark"],
        "instrument_family": 0,
        "instrument_family_str": family,
        "instrument_source": 1,
        "instrument_source_str": "electronic",
    } | changes


@pytest.fixture
def nsynth(tmp_path: Path) -> Path:
    for part, names in {
        "nsynth-train": ["synth_lead_synthetic_001-060-075", "bass_electronic_018-022-100"],
        "nsynth-valid": ["reed_acoustic_011-060-025"],
        "nsynth-test": ["vocal_acoustic_003-060-127", "vocal_acoustic_003-061-127"],
    }.items():
        table = {}
        for name in names:
            wav(tmp_path / part / "audio" / f"{name}.wav")
            instrument = name[:-8]
            table[name] = note(re.sub(r"_(acoustic|electronic|synthetic)_\d+$", "", instrument), instrument)
        text(tmp_path / part / "examples.json", json.dumps(table, indent=4))
    return tmp_path


def test_nsynth(nsynth: Path) -> None:
    assert detect(nsynth).name == detect(nsynth / "nsynth-train").name == "nsynth"
    found = records(nsynth)
    assert [record.split for record in found] == ["test", "test", "train", "train", "validation"]
    assert labels_of(found[3]) == ["synth_lead"]
    assert found[0].groups == found[1].groups == ["nsynth/vocal_acoustic_003"]
    bass = found[2]
    assert bass.id == "nsynth/bass_electronic_018-022-100"
    assert bass.labels_complete
    assert bass.extra == {
        "pitch": 22,
        "velocity": 100,
        "instrument_source": "electronic",
        "qualities": ["dark"],
    }
    assert records(nsynth / "nsynth-train") == found[2:4]


def test_nsynth_mistakes_fail_one_by_one(nsynth: Path) -> None:
    part = nsynth / "nsynth-valid"
    table = {"reed_acoustic_011-060-025": note(pitch="high"), "gone_acoustic_001-060-025": note()}
    text(part / "examples.json", json.dumps(table))
    wav(part / "audio" / "stray_acoustic_001-060-025.wav")
    found = faults(nsynth)
    assert len(found) == 3
    assert "'pitch'" in found["reed_acoustic_011-060-025.wav"]
    assert "examples.json" in found["stray_acoustic_001-060-025.wav"]
    assert "gone_acoustic_001-060-025.wav" in found


def test_broken_nsynth_tables_name_the_line(nsynth: Path) -> None:
    text(nsynth / "nsynth-test" / "examples.json", '{\n"a": {"note_str": 1},\n"b": {,\n}')
    with pytest.raises(ManifestError, match=r"nsynth-test/examples\.json:3"):
        listed(nsynth)


# --- OpenMIC-2018

OPENMIC_LABELS = """sample_key,instrument,relevance,num_responses
000046_3840,flute,0.0,3
000046_3840,clarinet,0.17104999999999998,3
000135_483840,guitar,0.9,5
"""


@pytest.fixture
def openmic(tmp_path: Path) -> Path:
    text(tmp_path / "openmic-2018-aggregated-labels.csv", OPENMIC_LABELS)
    text(tmp_path / "partitions" / "split01_train.csv", "000046_3840\n")
    text(tmp_path / "partitions" / "split01_test.csv", "000135_483840\n")
    for key in ("000046_3840", "000135_483840"):
        wav(tmp_path / "audio" / key[:3] / f"{key}.ogg")
    return tmp_path


def test_openmic(openmic: Path) -> None:
    assert detect(openmic).name == "openmic-2018"
    first, second = records(openmic)
    assert first.labels == [
        Label("clarinet", 0.17104999999999998, extra={"num_responses": 3}),
        Label("flute", 0.0, extra={"num_responses": 3}),
    ]
    assert not first.labels_complete
    assert (first.split, second.split) == ("train", "test")
    assert (first.groups, second.groups) == (["openmic-2018/000046"], ["openmic-2018/000135"])
    assert second.source == {
        "dataset": "openmic-2018",
        "audio": "audio/000/000135_483840.ogg",
        "start": 483.84,
        "duration": 10.0,
    }
    text(
        openmic / "openmic-2018-metadata.csv",
        "track_id,license_title,tags,sample_key\n46,Attribution 3.0,\"['a',\n'b']\",000046_3840\n",
    )
    assert [r.source.get("license") for r in records(openmic)] == ["Attribution 3.0", None]


def test_openmic_audio_and_table_that_disagree(openmic: Path) -> None:
    wav(openmic / "audio" / "001" / "001000_0.ogg")
    (openmic / "audio" / "000" / "000046_3840.ogg").unlink()
    assert sorted(faults(openmic)) == ["000046_3840.ogg", "001000_0.ogg"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("000135_483840,guitar,0.1,1", "second time"),
        ("000135_483840,drums,1.5,1", "1.5"),
        ("000135_483840,drums,much,1", "much"),
        ("000135_483840,drums,", "num_responses|relevance"),
    ],
)
def test_wrong_openmic_rows_name_the_line(openmic: Path, row: str, what: str) -> None:
    text(openmic / "openmic-2018-aggregated-labels.csv", OPENMIC_LABELS + row + "\n")
    with pytest.raises(ManifestError, match=rf"labels\.csv:5: .*({what})"):
        listed(openmic)


def test_openmic_partitions_must_not_overlap(openmic: Path) -> None:
    text(openmic / "partitions" / "split01_test.csv", "000135_483840\n000046_3840\n")
    with pytest.raises(ManifestError, match=r"split01_test\.csv:2"):
        listed(openmic)


# --- Medley-solos-DB

MEDLEY = """subset,instrument,instrument_id,song_id,uuid4
test,distorted electric guitar,1,7,1b0677f1-9e12-58e4-f0ee-439051982dc0
validation,flute,3,210,d07b1fc0-567d-52c2-fef4-239f31c9d40e
validation,flute,3,210,d07b1fc0-567d-52c2-fef4-239f31c9d40f
"""


@pytest.fixture
def medley(tmp_path: Path) -> Path:
    text(tmp_path / "annotation" / "Medley-solos-DB_metadata.csv", MEDLEY)
    for row in MEDLEY.splitlines()[1:]:
        subset, _, number, _, uuid = row.split(",")
        wav(tmp_path / "audio" / f"Medley-solos-DB_{subset}-{number}_{uuid}.wav")
    return tmp_path


def test_medley_solos(medley: Path) -> None:
    assert detect(medley).name == "medley-solos-db"
    found = records(medley)
    assert [record.split for record in found] == ["test", "validation", "validation"]
    assert labels_of(found[0]) == ["distorted electric guitar"]
    assert found[0].labels_complete
    assert found[1].groups == found[2].groups == ["medley-solos-db/validation-210"]
    assert found[1].id == "medley-solos-db/validation-3_d07b1fc0-567d-52c2-fef4-239f31c9d40e"


def test_medley_solos_beside_its_table(tmp_path: Path) -> None:
    text(tmp_path / "Medley-solos-DB_metadata.csv", "".join(MEDLEY.splitlines(keepends=True)[:2]))
    wav(tmp_path / "Medley-solos-DB_test-1_1b0677f1-9e12-58e4-f0ee-439051982dc0.wav")
    wav(tmp_path / "Medley-solos-DB_test-1_00000000-9e12-58e4-f0ee-439051982dc0.wav")
    assert list(faults(tmp_path)) == ["Medley-solos-DB_test-1_00000000-9e12-58e4-f0ee-439051982dc0.wav"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("dev,flute,3,1,a", "'dev'"),
        ("test,piano,3,1,a", "'flute'"),
        ("validation,flute,3,210,d07b1fc0-567d-52c2-fef4-239f31c9d40e", "second time"),
        ("test,flute", "no value"),
    ],
)
def test_wrong_medley_rows_name_the_line(medley: Path, row: str, what: str) -> None:
    text(medley / "annotation" / "Medley-solos-DB_metadata.csv", MEDLEY + row + "\n")
    with pytest.raises(ManifestError, match=rf"metadata\.csv:5: .*{what}"):
        listed(medley)


def test_tables_without_a_column_name_it(medley: Path) -> None:
    text(medley / "annotation" / "Medley-solos-DB_metadata.csv", "subset,instrument,instrument_id,uuid4\n")
    with pytest.raises(ManifestError, match=r"metadata\.csv:1: .*'song_id'"):
        listed(medley)


# --- Slakh


def track(root: Path, name: str, uuid: str, suffix: str = ".flac", flags: bool = True) -> Path:
    folder = root / name
    wav(folder / f"mix{suffix}")
    wav(folder / "stems" / f"S00{suffix}")
    wav(folder / "stems" / f"S02{suffix}")
    stems = "".join(
        f"  {stem}:\n    audio_rendered: {str(rendered and flags).lower()}\n    inst_class: {label}\n"
        f"    is_drum: {str(label == 'Drums').lower()}\n    program_num: {program}\n"
        for stem, label, program, rendered in (
            ("S00", "Guitar", 30, True),
            ("S01", "Ethnic", 110, False),
            ("S02", "Drums", 128, True),
        )
    )
    text(folder / "metadata.yaml", f"UUID: {uuid}\naudio_dir: stems\nstems:\n{stems}target_peak: -1.0\n")
    return folder


def test_slakh_mixes_and_stems(tmp_path: Path) -> None:
    track(tmp_path / "train", "Track00001", "1a81ae")
    track(tmp_path / "validation", "Track01501", "1a81ae")
    track(tmp_path / "omitted", "Track00049", "ffff")
    assert detect(tmp_path).name == "slakh"
    found = records(tmp_path)
    assert [record.id for record in found] == ["slakh/Track00049", "slakh/Track00001", "slakh/Track01501"]
    assert [record.split for record in found] == [None, "train", "validation"]
    assert found[1].groups == found[2].groups == ["slakh/1a81ae"]
    assert [labels_of(record) for record in found] == [["Drums", "Guitar"]] * 3
    assert found[1].labels_complete
    assert found[1].source["audio"] == "Track00001/mix.flac"
    stems = records(tmp_path / "train", "slakh-stems")
    assert [(r.id, labels_of(r)) for r in stems] == [
        ("slakh/Track00001/S00", ["Guitar"]),
        ("slakh/Track00001/S02", ["Drums"]),
    ]
    assert stems[1].extra == {"program_num": 128, "is_drum": True}
    assert records(tmp_path / "train" / "Track00001") == [found[1]]


def test_babyslakh_has_stems_that_it_denies(tmp_path: Path) -> None:
    track(tmp_path / "babyslakh_16k", "Track00001", "1a81ae", ".wav", flags=False)
    (record,) = records(tmp_path / "babyslakh_16k")
    assert labels_of(record) == ["Drums", "Guitar"]
    assert Path(record.audio or "").name == "mix.wav"


def test_slakh_mistakes_fail_one_by_one(tmp_path: Path) -> None:
    track(tmp_path, "Track00001", "a")
    (track(tmp_path, "Track00002", "b") / "mix.flac").unlink()
    text(track(tmp_path, "Track00003", "c") / "metadata.yaml", "UUID: c\nstems: {S00: [\n")
    text(track(tmp_path, "Track00004", "d") / "metadata.yaml", "stems: {S00: {audio_rendered: true}}\n")
    entries = listed(tmp_path)
    problems = [entry.problem for entry in entries]
    assert problems[0] is problems[1] is None
    with pytest.raises(AudioError, match=r"Track00002/mix\.flac"):
        complete(entries[1])
    assert f"{tmp_path / 'Track00003' / 'metadata.yaml'}:3" in (problems[2] or "")
    assert "'inst_class'" in (problems[3] or "")
    (tmp_path / "Track00001" / "stems" / "S00.flac").unlink()
    lost = listed(tmp_path, "slakh-stems")[0]
    with pytest.raises(AudioError, match=r"S00\.flac"):
        complete(lost)


# --- manifests


def test_our_own_manifest_passes_through(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    kept = [complete(entry).replace(extra={"mine": [1]}, fold=2) for entry in file_entries([path])]
    for name in ("index.jsonl", "index.jsonl.gz"):
        write_manifest(tmp_path / name, kept)
        assert detect(tmp_path / name).name == "manifest"
        (record,) = listed(tmp_path / name)
        assert os.path.abspath(record.audio) == str(path)
        assert record.replace(audio=kept[0].audio) == kept[0]


def test_a_torn_last_line_is_one_fault(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    lines = "".join(dump_line(complete(entry)) for entry in file_entries([path]))
    text(tmp_path / "torn.jsonl", lines + lines[:40])
    good, torn = listed(tmp_path / "torn.jsonl")
    assert isinstance(good, Record)
    with pytest.raises(ManifestError, match=r"torn\.jsonl:2"):
        complete(torn)


def foreign(path: Path, *rows: object) -> Path:
    content = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.mark.parametrize("name", ["manifest.jsonl", "list.jsonl.gz"])
def test_foreign_manifests(tmp_path: Path, name: str) -> None:
    wav(tmp_path / "x" / "a b.wav")
    wav(tmp_path / "x" / "c.wav")
    outside = wav(tmp_path / "outside.wav")
    path = foreign(
        tmp_path / "x" / name,
        {
            "path": "a b.wav",
            "labels": ["cel", "cel", "voi"],
            "source": "corpus",
            "licence": "CC0",
            "original_path": "raw/1.wav",
            "kind": "phrases",
            "seconds": 9.0,
            "sampling_rate": 1,
            "channels": 1,
            "split": "valid",
            "recording": "r1",
            "bpm": 120,
        },
        {"path": "./c.wav", "labels": "cel", "labels_complete": False, "groups": ["r1", "r2"]},
        {"path": str(outside)},
    )
    root = path.parent if name == "manifest.jsonl" else path
    assert detect(root).name == "manifest"
    first, second, third = records(root)
    assert labels_of(first) == ["cel", "voi"]
    assert first.labels_complete
    assert (first.sampling_rate, first.num_samples, first.channels) == (RATE, 80, None)
    assert (first.split, first.groups) == ("validation", ["r1"])
    assert first.source == {"dataset": "corpus", "audio": "raw/1.wav", "license": "CC0"}
    assert first.extra == {"kind": "phrases", "bpm": 120}
    assert (second.id, second.groups, second.labels_complete) == ("c", ["r1", "r2"], False)
    assert (third.audio, third.labels, third.labels_complete) == (str(outside), [], False)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"labels": ["cel"]}, "'path'"),
        ({"path": "a.wav", "labels": [1]}, "'labels'"),
        ({"path": "a.wav", "fold": True}, "'fold'"),
        ({"path": "./ok.wav"}, "second time"),
        (["a.wav"], "object"),
    ],
)
def test_wrong_lines_of_foreign_manifests_are_named(tmp_path: Path, row: object, what: str) -> None:
    path = foreign(tmp_path / "list.jsonl", {"path": "ok.wav"}, row)
    with pytest.raises(ManifestError, match=rf"list\.jsonl:2: .*{what}"):
        listed(path)


def test_unreadable_manifests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        detect(tmp_path / "gone.jsonl")
    path = foreign(tmp_path / "cut.jsonl.gz", {"path": "a.wav"})
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ManifestError, match=r"cut\.jsonl\.gz"):
        listed(path)
    text(tmp_path / "bad.jsonl", "{}\n{\n")
    with pytest.raises(ManifestError, match=r"bad\.jsonl:(1|2)"):
        listed(tmp_path / "bad.jsonl")
    text(tmp_path / "empty.jsonl", "")
    assert listed(tmp_path / "empty.jsonl") == []


@pytest.mark.parametrize(
    ("source", "kind", "stem", "group"),
    [
        ("medleysolos", "phrases", "medleysolos__Medley-solos-DB_test-0_0a28", "medleysolos/test-0"),
        ("medleysolos", "phrases", "medleysolos__test-2_seq1_04", "medleysolos/test-2"),
        ("medleysolos", "phrases", "Medley-solos-DB_training-7_0cd7", "medleysolos/training-7"),
        ("vocadito", "phrases", "vocadito__vocadito_14_t8", "vocadito/14"),
        ("vocadito", "phrases", "vocadito__vocadito_1_t8", "vocadito/1"),
        ("philharmonia", "notes", "cello_A2", "philharmonia/cel"),
        ("burea-posaune16", "notes", "Posaune16-025-C-", "burea/cel"),
        ("fsdkaggle", "phrases", "fsdkaggle__00353774", None),
    ],
)
def test_recordings_known_by_name(source: str, kind: str, stem: str, group: str | None) -> None:
    assert recording_group(source, kind, ["cel"], stem) == group


def test_the_shared_recordings(shared_dir: Path) -> None:
    entries = listed(shared_dir / "audio")
    lines = (shared_dir / "audio" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(entries) == len(rows)
    assert Counter(e.labels[0].label for e in entries) == Counter(row["labels"][0] for row in rows)
    assert all(os.path.exists(entry.audio) and entry.problem is None for entry in entries)
    groups = {Path(entry.audio).stem: entry.groups for entry in entries}
    assert groups["vocadito__vocadito_14_t0"] == groups["vocadito__vocadito_14_t8"]
    assert groups["vocadito__vocadito_1_t0"] != groups["vocadito__vocadito_10_t0"]
    for entry, row in list(zip(entries, rows, strict=True))[::40]:
        record = complete(entry)
        assert record.sampling_rate == row["sampling_rate"]
        # The manifest's lengths are those of the headers, which are too long for MP3.
        assert math.isclose(record.duration, row["seconds"], abs_tol=0.3)
        assert record.extra["kind"] == row["kind"]


def test_the_shared_mel_archive_is_recognised(shared_dir: Path) -> None:
    path = shared_dir / "irmas-mel" / "train.npz"
    if not path.exists():
        pytest.skip(f"no {path}")
    assert detect(path).name == "irmas-mel"
    with np.load(path) as data:
        clips = [Clip.parse(name) for name in data["name"].tolist()]
        assert [clip and clip.label for clip in clips] == data["label"].tolist()
        assert [clip and clip.genre for clip in clips] == data["genre"].tolist()
        assert [clip and f"irmas{clip.recording}" for clip in clips] == data["group"].tolist()
        drums = {"dru": True, "nod": False, "": None}
        assert [clip and clip.drums for clip in clips] == [drums[word] for word in data["drums"].tolist()]


# --- checks and counts


def test_checksums_are_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    wav(path)
    (entry,) = file_entries([path])
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert complete(entry, checksum=True).source["sha256"] == expected
    assert "sha256" not in complete(entry).source


def test_check_finds_what_only_decoding_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 40000)
    soundfile.write(path, noise, RATE)
    (entry,) = file_entries([path])
    record = complete(entry)
    check(record)
    check(record.at_rate(11025))
    check(record.replace(audio=None))
    with pytest.raises(AudioError, match="80000 are expected"):
        check(record.replace(duration=10.0, num_samples=80000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"a\.flac"):
        check(record)


def test_check_finds_samples_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.zeros((100, 2)), RATE, subtype="FLOAT")
    content = bytearray(path.read_bytes())
    content[-4:] = struct.pack("<f", math.nan)
    path.write_bytes(content)
    (entry,) = file_entries([path])
    record = complete(entry)
    with pytest.raises(AudioError, match="not a finite number"):
        check(record)


def test_statistics_count_classes_recordings_and_hours() -> None:
    def record(id: str, *labels: Label, group: str, split: str | None = None) -> Record:
        return Record(id, "a.wav", 0.0, 1800.0, 1, 1800, groups=[group], split=split, labels=list(labels))

    statistics = ManifestSummary()
    statistics.add([record("a", Label("voi"), Label("cel"), group="1", split="train")])
    statistics.add(
        [
            record("b", Label("voi"), Label("flu", presence=0.1), group="1", split="train"),
            record("c", Label("flu", presence=0.0), group="2", split="test"),
        ]
    )
    rows = [line.split("  ") for line in statistics.table().splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["split", "class", "records", "recordings", "hours"],
        ["all", "cel", "1", "1", "0.50"],
        ["all", "voi", "2", "1", "1.00"],
        ["all", "(no label)", "1", "1", "0.50"],
        ["all", "all", "3", "2", "1.50"],
        ["test", "(no label)", "1", "1", "0.50"],
        ["test", "all", "1", "1", "0.50"],
        ["train", "cel", "1", "1", "0.50"],
        ["train", "voi", "2", "1", "1.00"],
        ["train", "all", "2", "1", "1.00"],
    ]


def test_statistics_without_splits_or_records() -> None:
    assert [line.split() for line in ManifestSummary().table().splitlines()] == [
        ["class", "records", "recordings", "hours"],
        ["all", "0", "0", "0.00"],
    ]
