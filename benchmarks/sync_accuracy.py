"""How well synchronised mixes are: pitch and tempo of the second track against the first, on recordings.

    python -m benchmarks.sync_accuracy [--pairs 200] [FOLDER...]

takes one segment of each single-instrument recording in some folders, by default those that are bundled, and
mixes pairs of classes. For each stretcher that is installed it prints

- after pitch sync of segments of 1 s: of the frames that are voiced in both tracks, the share in which their
  pitches differ by at most 50 cents;
- after tempo sync of segments of 2.95 s: of the pairs that have a tempo each, the share whose tempi differ by
  at most 4 %, with and without folding;
- of pairs of click tracks: the share whose tempi, measured between the clicks, differ by at most 1 %, factors
  of two apart.

The pitches and tempi of the changed track are estimated again, by the same methods.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks.chain import AUDIO, program
from imtools.analysis.f0 import RATE, F0Track, estimate_f0
from imtools.analysis.tempo import estimate_tempo
from imtools.arrays import Float32Array
from imtools.choices import STRETCHERS
from imtools.device import resolve_device, resolve_precision
from imtools.effects.stretch import resolve_stretcher
from imtools.errors import UsageError
from imtools.hashing import stable_hash
from imtools.manifest import Label, Record
from imtools.manifest.stream import read_manifest
from imtools.mix import mix_records
from imtools.mix.analyzer import RecordAnalyzer
from imtools.mix.sync import get_sync
from imtools.sound.recipe import Recipe
from imtools.sound.render import load_sound, track_sound

CENTS, TEMPO, CLICKS = 50.0, 0.04, 0.01
"""Differences up to which two tracks agree."""

SHORT, LONG = 1.0, 2.95
"""Seconds of the segments for pitch and for tempo: the bundled recordings last just under 3 s."""

ANALYSIS_RATE = 22050


def installed() -> list[str]:
    """Return the stretchers that this machine has."""
    names = []
    for name in STRETCHERS:
        try:
            names.append(resolve_stretcher(name))
        except UsageError:
            print(f"{name} is not installed")
    return names


def segments(folders: Sequence[str], seconds: float, work: Path) -> list[Record]:
    """Return the first segment of such a length of each recording."""
    inputs = [os.path.abspath(folder) for folder in folders]
    index = [program("im-index"), "-q", *inputs]
    segment = [program("im-segment"), "-q", "--length", str(seconds)]
    found = subprocess.run(index, capture_output=True, cwd=work, check=True)
    # No check: some recordings are too short, which is exit code 3.
    made = subprocess.run(segment, input=found.stdout, capture_output=True, cwd=work, check=False)
    path = work / "segments.jsonl"
    path.write_bytes(made.stdout)
    first: dict[str | None, Record] = {}
    for record in read_manifest(path):
        first.setdefault(record.audio, record)
    return list(first.values())


def pairs_of(records: Sequence[Record]) -> list[Record]:
    """Return the mixes of all pairs of all classes in random order."""
    return sorted(
        mix_records(records), key=lambda mix: stable_hash(*(track["id"] for track in mix.mix["tracks"]))
    )


def with_tempo(mixes: Sequence[Record], records: Sequence[Record], count: int) -> list[Record]:
    """Return the first ``count`` mixes of records that all have a tempo, and print how many do not."""
    tempi = RecordAnalyzer(jobs=2).tempo(records)
    found, passed = [], 0
    for mix in mixes:
        if len(found) == count:
            break
        if all(isinstance(tempi[track["id"]], float) for track in mix.mix["tracks"]):
            found.append(mix)
        else:
            passed += 1
    print(f"{len(found)} pairs of {len(found) + passed} have a tempo each")
    return found


def synced(
    mixes: Sequence[Record], records: Sequence[Record], sync: str, **options: bool
) -> Iterator[Recipe]:
    """Yield the recipes of mixes with their second tracks fitted to the first."""
    by_id = {record.id: record for record in records}
    chosen = get_sync(sync, RecordAnalyzer(jobs=2), **options)
    recipes = [Recipe.from_json(mix.mix) for mix in mixes]
    chosen.analyze(list({t.record.id: by_id[t.record.id] for r in recipes for t in r.tracks}.values()))
    for recipe in recipes:
        first, second = recipe.tracks
        yield Recipe(sync, 0, [first, chosen.fit(by_id[first.record.id], second)])


def sounds(recipe: Recipe, rate: int, stretcher: str) -> tuple[Float32Array, Float32Array]:
    """Return what both tracks are in the mix, at a rate."""
    one, other = (track_sound(track, rate, mono=True, stretcher=stretcher) for track in recipe.tracks)
    return one, other


def share(values: Sequence[bool] | np.ndarray) -> str:
    return f"{100 * np.mean(values):.1f} % of {len(values)}" if len(values) else "none at all"


def pitch(recipes: Sequence[Recipe], stretcher: str) -> None:
    """Print how many frames agree in pitch."""
    device = resolve_device("auto")
    dtype = resolve_precision("auto", device)
    differences: list[np.ndarray] = []
    for recipe in recipes:
        # As the mix is made, at the first track's rate; only then at that of the estimator.
        rate = recipe.tracks[0].record.sampling_rate
        tracks = [soxr.resample(one, rate, RATE) for one in sounds(recipe, rate, stretcher)]
        first, second = estimate_f0(tracks, "crepe", device, dtype)
        differences.append(np.abs(cents(first, second)))
    frames = np.concatenate(differences)
    none = sum(not len(one) for one in differences)
    print(f"pitch, {stretcher}: {share(frames <= CENTS)} frames within {CENTS:g} cents")
    print(f"  {len(recipes)} pairs, {none} of them without a frame that is voiced in both")


def cents(first: F0Track, second: F0Track) -> np.ndarray:
    """Return the differences in the frames that are voiced in both."""
    frames = min(len(first), len(second))
    voiced = first.voiced[:frames] & second.voiced[:frames]
    return 1200 * np.log2(first.f0[:frames][voiced] / second.f0[:frames][voiced])


def tempo(recipes: Sequence[Recipe], stretcher: str, name: str) -> None:
    """Print how many pairs agree in tempo: the second track whole, and as cut or repeated in the mix."""
    whole, mixed = [], []
    for recipe in recipes:
        first = estimate_tempo(load_sound(recipe.tracks[0].record.at_rate(ANALYSIS_RATE)), ANALYSIS_RATE)
        uncut = replace(recipe.tracks[1], length=None)
        for found, track in ((whole, uncut), (mixed, recipe.tracks[1])):
            wave = track_sound(track, ANALYSIS_RATE, mono=True, stretcher=stretcher)
            tempo = estimate_tempo(wave, ANALYSIS_RATE)
            found.append(tempo is not None and first is not None and abs(tempo / first - 1) <= TEMPO)
    print(f"tempo{name}, {stretcher}: {share(whole)} pairs within {100 * TEMPO:g} %")
    print(f"  {share(mixed)} as cut or repeated in the mix")


def click_records(work: Path) -> list[Record]:
    """Write click tracks of 3 s, and return their records; the class is the tempo."""
    records = []
    for bpm in (52, 64, 71, 83, 90, 97, 103, 112, 120, 131, 144, 158, 176, 199):
        wave = np.zeros(3 * ANALYSIS_RATE, np.float32)
        for beat in np.arange(0.1, 2.98, 60 / bpm):
            start = round(beat * ANALYSIS_RATE)
            length = min(400, len(wave) - start)
            time = np.arange(length)
            wave[start : start + length] += np.sin(0.4 * time) * np.exp(-time / 60)
        path = work / f"{bpm}.wav"
        soundfile.write(path, 0.5 * wave, ANALYSIS_RATE, subtype="FLOAT")
        size = {"duration": 3.0, "sampling_rate": ANALYSIS_RATE, "num_samples": len(wave)}
        records.append(Record(id=f"c{bpm}", audio=str(path), start=0.0, labels=[Label(str(bpm))], **size))
    return records


def clicks(recipes: Sequence[Recipe], stretcher: str) -> None:
    """Print how many pairs of click tracks agree."""
    agree = []
    for recipe in recipes:
        # Without the repetition of its beginning, which need not come on the beat.
        first, second = (
            measured_bpm(sound[: round(len(sound) * min(1, track.stretch))])
            for sound, track in zip(sounds(recipe, ANALYSIS_RATE, stretcher), recipe.tracks, strict=True)
        )
        octaves = np.log2(second / first)
        agree.append(abs(2 ** (octaves - round(octaves)) - 1) <= CLICKS)
    print(f"clicks, {stretcher}: {share(agree)} pairs within {100 * CLICKS:g} %")


def measured_bpm(samples: Float32Array) -> float:
    """Return the tempo of clicks by the distance from the first to the last, and their number."""
    envelope = np.convolve(np.abs(samples), np.ones(200) / 200, mode="same")
    loud = envelope > 0.4 * envelope.max()
    starts = np.flatnonzero(loud[1:] & ~loud[:-1])
    starts = starts[np.concatenate([[True], np.diff(starts) > 0.15 * ANALYSIS_RATE])]
    return 60 * ANALYSIS_RATE * (len(starts) - 1) / float(starts[-1] - starts[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", default=[str(AUDIO)])
    parser.add_argument("--pairs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        short, long = (segments(options.folders, seconds, work) for seconds in (SHORT, LONG))
        in_pitch = list(synced(pairs_of(short)[: options.pairs], short, "pitch"))
        mixes = with_tempo(pairs_of(long), long, options.pairs)
        click_tracks = click_records(work)
        in_clicks = list(synced(mix_records(click_tracks), click_tracks, "tempo"))
        for stretcher in installed():
            pitch(in_pitch, stretcher)
            for fold in (False, True):
                recipes = list(synced(mixes, long, "tempo", tempo_fold=fold))
                tempo(recipes, stretcher, ", folded" if fold else "")
            clicks(in_clicks, stretcher)


if __name__ == "__main__":
    main()
