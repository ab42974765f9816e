"""im-mix as a command: synchronised mixes, caches, rendering, and bytes that depend on the seed alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imtools.manifest import dump_line
from imtools.manifest.stream import read_manifest
from imtools.mix import MixSettings, mix_records

pytestmark = pytest.mark.slow(2)  # commands that render and measure sound


LEVELS = ("--polyphony", "0-2", "--per-level", "3")
TINY = ("--f0", "crepe-tiny", "--cache", "none")


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.flac"))}


@pytest.fixture
def source(space: Path, tmp_path: Path) -> Path:
    """A manifest of its own, so that caches do not lie in the common folder."""
    path = tmp_path / "folds.jsonl"
    path.write_text((space / "folds.jsonl").read_text().replace('"audio":"lib/', f'"audio":"{space}/lib/'))
    return path


@pytest.mark.parametrize("sync", [("pitch",), ("tempo",), ("key",), ("tempo", "pitch")])
def test_the_same_seed_gives_the_same_bytes_with_any_jobs(sync, run, source, tmp_path):
    options = [text for name in sync for text in ("--sync", name)]
    options += [*TINY, "--limit", "2", "--gain", "-3:3", "--stretcher", "signalsmith"]
    found = []
    for jobs in ("1", "3"):
        folder = tmp_path / jobs
        folder.mkdir()
        result = run("im-mix", *options, "-j", jobs, "-o", "out", str(source), cwd=folder)
        assert result.returncode == 0, result.stderr.decode()
        found.append((result.stdout, files(folder)))
    assert found[0] == found[1]
    assert found[0][1]
    other = run("im-mix", *options, "--seed", "9", str(source), cwd=tmp_path)
    assert other.stdout != run("im-mix", *options, str(source), cwd=tmp_path).stdout


def test_recipes_render_later_to_the_bytes_of_now(run, source, tmp_path):
    options = ("--sync", "pitch", *TINY, "--stretcher", "signalsmith")
    now = run("im-mix", *options, "-o", str(tmp_path / "now"), str(source))
    recipes = run("im-mix", *options, str(source), cwd=tmp_path)
    assert all(record["audio"] is None for record in lines(recipes.stdout))
    later = run("im-mix", "--render", "-o", str(tmp_path / "later"), "-", stdin=recipes.stdout, cwd=tmp_path)
    assert later.returncode == 0, later.stderr.decode()
    assert files(tmp_path / "later") == files(tmp_path / "now")
    for record in lines(now.stdout):
        info = soundfile.info(os.path.join(source.parent, record["audio"]))
        assert (info.frames, info.samplerate) == (record["num_samples"], record["sampling_rate"])
    again = run("im-mix", "--render", "-o", "again", "later", cwd=tmp_path)
    assert [r["audio"] for r in lines(again.stdout)] == [r["audio"] for r in lines(later.stdout)]
    refused = run("im-mix", "--render", "-", stdin=recipes.stdout)
    assert refused.returncode == 2
    assert b"name a directory with -o" in refused.stderr


def test_python_gives_the_recipes_of_the_command(run, source, tmp_path):
    options = {"polyphony": [0, 1, 2], "per_level": 3, "gain_db": (-3.0, 3.0), "sync": ("tempo", "key")}
    mixes = mix_records(read_manifest(source), MixSettings(**options), seed=5)
    arguments = (*LEVELS, "--gain", "-3:3", "--sync", "tempo", "--sync", "key", "--seed", "5")
    result = run("im-mix", *arguments, "--cache", "none", str(source), cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    expected = [{"history": None} | record | {"history": None} for record in lines(result.stdout)]
    assert [{"history": None} | json.loads(dump_line(mix)) for mix in mixes] == expected


def test_recipes_become_features_without_audio_on_disk(run, source, tmp_path):
    recipes = run("im-mix", "--sync", "key", "--cache", "none", "--limit", "1", str(source), cwd=tmp_path)
    result = run("im-features", "-o", str(tmp_path / "f"), "-", stdin=recipes.stdout, cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    assert all("cqt" in record["features"] for record in lines(result.stdout))


def test_what_is_heard_is_kept_beside_the_manifest(run, source, tmp_path):
    options = ("--sync", "pitch", "--f0", "crepe-tiny", str(source))
    dry = run("im-mix", "-n", *options, cwd=tmp_path)
    assert b"mixes of" in dry.stderr
    assert dry.stdout == b""
    cache = source.with_name("folds.jsonl.analysis")
    assert not cache.exists()
    first = run("im-mix", *options, cwd=tmp_path)
    assert cache.exists()
    before = cache.read_bytes()
    assert run("im-mix", *options, cwd=tmp_path).stdout == first.stdout
    assert cache.read_bytes() == before
    cache.write_bytes(b"no database" * 100)
    broken = run("im-mix", *options, cwd=tmp_path)
    assert broken.returncode == 0
    assert b"folds.jsonl.analysis: cannot be used as a cache" in broken.stderr
    assert broken.stdout == first.stdout


def test_a_record_that_cannot_be_heard_fails_its_mixes_only(run, source, space, tmp_path):
    rows = lines(source.read_bytes())
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    rows[0]["audio"] = str(broken)
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    failures = tmp_path / "failures.jsonl"
    result = run("im-mix", "--sync", "pitch", *TINY, "--failures", str(failures), str(source), cwd=tmp_path)
    assert result.returncode == 3
    failed = lines(failures.read_bytes())
    assert failed
    assert all("broken.wav" in one["message"] and rows[0]["id"] in one["message"] for one in failed)
    planned = lines(run("im-mix", str(source), cwd=tmp_path).stdout)
    assert len(lines(result.stdout)) + len(failed) == len(planned)


def test_a_stretcher_that_is_not_installed_is_said_at_once(run, source, tmp_path):
    options = ("--sync", "pitch", "--stretcher", "rubberband", *TINY, str(source))
    result = run("im-mix", *options, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert result.returncode == 2
    assert b"rubberband-cli on Debian" in result.stderr
    assert b"--stretcher signalsmith" in result.stderr
    auto = run("im-mix", "--sync", "pitch", *TINY, str(source), cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert auto.returncode == 0
    assert {row["mix"].get("stretcher") for row in lines(auto.stdout)} <= {None, "signalsmith"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sync", "pitch", "--sync", "key"), b"both change the pitch"),
        (("--polyphony", "0-2", "--limit", "3"), b"leave out --pairs, --voices and --limit"),
        (("--polyphony", "2-0"), b"write the lower one first"),
        (("--polyphony", "two"), b"'two' is not a count"),
        (("--polyphony", "0-99999999999"), b"too many voices; give at most 1000"),
        (("--per-level", "3"), b"--per-level counts the mixes of --polyphony"),
        (("--pairs", "cla+vio", "--voices", "3"), b"leave one of them out"),
        (("--offset", "inf"), b"offset inf is out of range; give 0 to 86400 seconds"),
        (("--sync", "pitch", "--f0", "crepe-original"), b"needs crepe, which is not installed"),
        (("--render", "-o", "x", "--snr", "3"), b"--render only renders"),
        (("--where", "fold=77"), b"there are no records to mix"),
        (("--polyphony", "0-9"), b"give --polyphony up to 2"),
        (("--voices", "3"), b"3 voices take 3 classes"),
        (("--pairs", "cla"), b"'cla' is not a pair of classes"),
        (("--gain", "loud"), b"--gain loud: is not LOW:HIGH"),
        (("--within", "source.room"), b"no record has a value of 'source.room'"),
        (("--sync", "genre"), b"no record has a genre"),
    ],
)
def test_options_that_contradict_are_refused(options, message, run, source, tmp_path):
    result = run("im-mix", *options, str(source), cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == b""
    assert not list(tmp_path.glob("*.analysis"))


def test_levels_of_polyphony(run, source, tmp_path):
    result = run("im-mix", "--polyphony", "0-2", "--per-level", "4", str(source), cwd=tmp_path)
    assert [row["mix"]["polyphony"] for row in lines(result.stdout)] == [0] * 4 + [1] * 4 + [2] * 4
    out = tmp_path / "out"
    rendered = run("im-mix", "--render", "-o", str(out), "-", stdin=result.stdout, cwd=tmp_path)
    assert rendered.returncode == 0, rendered.stderr.decode()
    assert len(files(out)) == 12


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), jobs=st.integers(2, 5), voices=st.sampled_from([("--limit", "3"), LEVELS]))
def test_any_seed_gives_the_same_bytes_with_any_jobs(seed, jobs, voices, run, source, tmp_path_factory):
    found = []
    for count in (1, jobs):
        folder = tmp_path_factory.mktemp("jobs")
        options = ("--seed", str(seed), "--offset", "0:0.3", "--snr", "-6:6", *voices, "-j", str(count))
        result = run("im-mix", *options, "-o", "out", str(source), cwd=folder)
        assert result.returncode == 0, result.stderr.decode()
        found.append((result.stdout, files(folder)))
    assert found[0] == found[1]
    rows = lines(found[0][0])
    assert len({row["id"] for row in rows}) == len(rows) == len(found[0][1])


def test_peaks_that_flac_cannot_hold_are_lowered_and_the_recipe_says_so(run, source, tmp_path):
    options = ("--limit", "1", "--gain", "20", str(source))
    result = run("im-mix", *options, "-o", "loud", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    (row,) = lines(result.stdout)
    samples, _rate = soundfile.read(tmp_path / row["audio"])
    assert 0.99 < abs(samples).max() <= 1
    (recipe,) = lines(run("im-mix", *options, cwd=tmp_path).stdout)
    assert row["mix"]["gain_db"] < recipe["mix"]["gain_db"]
    again = {**row, "audio": None}
    rendered = run("im-mix", "--render", "-o", "again", "-", stdin=json.dumps(again).encode(), cwd=tmp_path)
    assert files(tmp_path / "again") == files(tmp_path / "loud")
    assert rendered.returncode == 0
    refused = run("im-mix", *options, "--no-headroom", "-o", "refused", cwd=tmp_path)
    assert refused.returncode == 3
    assert b"exceeds full scale" in refused.stderr
    kept = run("im-mix", *options, "--no-headroom", "--format", "wav", "-o", "kept", cwd=tmp_path)
    assert kept.returncode == 0
