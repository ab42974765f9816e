from __future__ import annotations

import random
import warnings
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imtools.errors import ImtoolsWarning, UsageError
from imtools.grouping import groups_of
from imtools.manifest import Label, Record
from imtools.split import assign_folds, assign_holdout


def record(number: int, labels: str = "a", groups: list[str] | None = None, **more) -> Record:
    return Record(
        f"r{number:04}",
        more.pop("audio", f"{number}.wav"),
        0.0,
        1.0,
        8000,
        8000,
        groups=groups or [],
        labels=[Label(name) for name in labels],
        **more,
    )


@st.composite
def datasets(draw, least: int = 1) -> list[Record]:
    rows = draw(
        st.lists(
            st.tuples(
                st.text("abc", max_size=2),
                st.lists(st.integers(0, 9).map("g{}".format), max_size=2),
                st.integers(0, 20).map("{}.wav".format),
            ),
            min_size=least,
            max_size=25,
        )
    )
    return [record(i, labels, groups, audio=audio) for i, (labels, groups, audio) in enumerate(rows)]


def components(records: list[Record]) -> list[set[int]]:
    """The groups of records that are tied to each other: an oracle by repeated merging."""
    found = [{i} for i in range(len(records))]
    merged = True
    while merged:
        merged = False
        for a in found:
            names = {name for i in a for name in groups_of(records[i])}
            for b in found:
                if a is not b and any(names & groups_of(records[i]) for i in b):
                    a |= b
                    found.remove(b)
                    merged = True
                    break
            if merged:
                break
    return found


@pytest.fixture(autouse=True)
def _thin_classes_are_no_matter():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "classes with fewer recordings", ImtoolsWarning)
        yield


@settings(max_examples=60, deadline=None)
@given(datasets(2), st.integers(2, 5), st.integers(0, 2**40), st.randoms(use_true_random=False))
def test_folds_keep_groups_together_whatever_the_order(records, n_folds, seed, rng):
    tied = components(records)
    if len(tied) < n_folds:
        with pytest.raises(UsageError, match="cannot fill"):
            assign_folds(records, n_folds, seed=seed)
        return
    folds = assign_folds(records, n_folds, seed=seed)
    assert set(folds) == set(range(n_folds))
    assert all(len({folds[i] for i in group}) == 1 for group in tied)
    shuffled = list(range(len(records)))
    rng.shuffle(shuffled)
    again = assign_folds([records[i] for i in shuffled], n_folds, seed=seed)
    assert again == [folds[i] for i in shuffled]


@settings(max_examples=60, deadline=None)
@given(datasets(2), st.floats(0.01, 0.99), st.integers(0, 2**40), st.randoms(use_true_random=False))
def test_holdout_keeps_groups_together_whatever_the_order(records, fraction, seed, rng):
    tied = components(records)
    assume(len(tied) > 1)
    held = assign_holdout(records, fraction, seed=seed)
    assert set(held) == {False, True}
    assert all(len({held[i] for i in group}) == 1 for group in tied)
    shuffled = list(range(len(records)))
    rng.shuffle(shuffled)
    again = assign_holdout([records[i] for i in shuffled], fraction, seed=seed)
    assert again == [held[i] for i in shuffled]


def clips(rng: random.Random) -> list[Record]:
    """Recordings of 1 to 6 clips each, four classes of unequal size, as in IRMAS."""
    numbers = iter(range(10000))
    return [
        record(next(numbers), label, [f"{label}{song}"])
        for label, songs in zip("abcd", (40, 60, 90, 150), strict=True)
        for song in range(songs)
        for _ in range(rng.randint(1, 6))
    ]


def test_every_fold_has_its_share_of_every_class():
    records = clips(random.Random(1))
    folds = assign_folds(records, 5, seed=3)
    totals = Counter(r.present_labels()[0] for r in records)
    counts = Counter((fold, r.present_labels()[0]) for fold, r in zip(folds, records, strict=True))
    shares = [counts[fold, label] / totals[label] for fold in range(5) for label in "abcd"]
    assert max(shares) - min(shares) < 0.02


@pytest.mark.parametrize("fraction", [0.1, 0.15, 0.5, 0.8])
def test_the_holdout_has_its_share_of_every_class(fraction):
    records = clips(random.Random(2))
    held = assign_holdout(records, fraction, seed=3)
    by_class = defaultdict(list)
    for one, r in zip(held, records, strict=True):
        by_class[r.present_labels()[0]].append(one)
    assert {label: np.mean(x) for label, x in by_class.items()} == pytest.approx(
        dict.fromkeys("abcd", fraction), abs=0.02
    )


def test_another_seed_makes_another_split():
    records = clips(random.Random(4))
    assert assign_folds(records, 5, seed=0) != assign_folds(records, 5, seed=1)
    assert assign_holdout(records, 0.2, seed=0) != assign_holdout(records, 0.2, seed=1)


def test_a_group_key_leaves_sources_out_and_still_cuts_no_group():
    records = [
        record(i, "ab"[i % 2], ["bridge"] if i in (0, 5) else [f"g{i}"], source={"dataset": f"d{i // 5}"})
        for i in range(20)
    ]
    folds = assign_folds(records, 3, seed=0, group_key="source.dataset")
    assert [len(set(folds[i : i + 5])) for i in (0, 5, 10, 15)] == [1, 1, 1, 1]
    assert folds[0] == folds[5]
    with pytest.raises(UsageError, match=r"r0000 has no value at 'source\.license'"):
        assign_folds(records, 3, seed=0, group_key="source.license")


def test_records_without_groups_go_by_their_file_and_mixes_by_those_of_their_tracks():
    segments = [record(i, "a", audio=f"{i // 4}.wav") for i in range(8)]
    folds = assign_folds(segments, 2, seed=0)
    assert len(set(folds[:4])) == len(set(folds[4:])) == 1
    mix = record(
        9,
        "ab",
        ["g"],
        audio=None,
        mix={"tracks": [{"audio": "0.wav"}, {"mix": {"tracks": [{"audio": "1.wav"}]}}]},
    )
    assert groups_of(mix) == {"g", "audio:0.wav", "audio:1.wav"}
    with pytest.raises(UsageError, match="9 records of 1 recordings"):
        assign_folds([*segments, mix], 2, seed=0)


def test_a_class_with_too_few_recordings_is_named():
    records = [record(i, "a") for i in range(6)] + [record(i, "b", ["one"]) for i in range(6, 9)]
    with pytest.warns(ImtoolsWarning, match=r"fewer recordings than folds \(3\): b \(1\)"):
        assign_folds(records, 3, seed=0)
    with pytest.warns(ImtoolsWarning, match=r"fewer recordings than sides \(2\): b \(1\)"):
        assign_holdout(records, 0.3, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_impossible_fractions_are_refused(fraction):
    with pytest.raises(UsageError, match="fraction"):
        assign_holdout([record(0), record(1)], fraction, seed=0)


def test_too_few_folds_or_records_are_refused():
    with pytest.raises(UsageError, match="1 folds"):
        assign_folds([record(0), record(1)], 1, seed=0)
    with pytest.raises(UsageError, match="0 records"):
        assign_folds([], 2, seed=0)
