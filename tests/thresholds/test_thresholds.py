"""Thresholds: fitted against brute force, kept in a file, applied to predictions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from imtools.errors import ImtoolsError, ImtoolsWarning, ManifestError, UsageError
from imtools.hashing import stable_hash
from imtools.manifest import Label, Prediction, Record, read_manifest, write_manifest
from imtools.models.bundle import full_name, load, read_description
from imtools.score.collect import LabelledScores
from imtools.thresholds import (
    OBJECTIVES,
    Overlap,
    OverlapCounter,
    Seen,
    Sketch,
    Thresholds,
    ThresholdsFile,
    apply_thresholds,
    fit,
    fit_records,
)

CLASSES = ("cel", "flu", "vio")


def data(y_true: object, y_score: object, known: object = True, model: str = "net@1f3a") -> LabelledScores:
    present, scores = np.asarray(y_true, dtype=bool), np.asarray(y_score, dtype=float)
    n, k = scores.shape
    mask = np.broadcast_to(np.asarray(known, dtype=bool), (n, k))
    ids = [f"item/{i}" for i in range(n)]
    numbers = np.zeros(n, dtype=np.int64)
    return LabelledScores(
        model, list(CLASSES[:k]), ids, present & mask, mask, scores, None, numbers, numbers - 1
    )


def one_class(positives: list[float], negatives: list[float]) -> LabelledScores:
    Y = [[True]] * len(positives) + [[False]] * len(negatives)
    return data(Y, [[score] for score in positives + negatives])


# ------------------------------------------------------------------------------------------------- fitting


def f_score(beta: str) -> Callable[[int, int, int, int], Fraction]:
    b = Fraction(beta) ** 2
    return lambda tp, fp, fn, tn: (1 + b) * tp / ((1 + b) * tp + b * fn + fp)


def rates(tp: int, fp: int, fn: int, tn: int) -> Fraction:
    return Fraction(tp, tp + fn) - Fraction(fp, fp + tn)


WORTH = {
    "f1": f_score("1"),
    "f0.5": f_score("0.5"),
    "f2": f_score("2"),
    "accuracy": lambda tp, fp, fn, tn: Fraction(tp + tn, tp + fp + fn + tn),
    "youden": rates,
    "prevalence": lambda tp, fp, fn, tn: -abs(fp - fn),
}


def counts_at(percent: int, Y: np.ndarray, S: np.ndarray, known: np.ndarray) -> tuple[int, int, int, int]:
    yes = np.round(S * 100_000) >= percent * 1000  # the scores have five digits
    return tuple(int((known & a & b).sum()) for a, b in ((yes, Y), (yes, ~Y), (~yes, Y), (~yes, ~Y)))


def middle_of_best(values: list[Fraction]) -> int:
    """The middle of the longest run of best values, the first and lower where there are several."""
    best, runs, start = max(values), [], None
    for place, value in enumerate([*values, None]):
        if value == best and start is None:
            start = place
        elif value != best and start is not None:
            runs.append((start, place))
            start = None
    first, after = max(runs, key=lambda run: run[1] - run[0])
    return (first + after - 1) // 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("objective", list(WORTH))
def test_every_objective_against_brute_force(objective: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    Y = rng.random((60, 3)) < 0.3
    S = np.round(np.clip(0.25 * Y + 0.8 * rng.random((60, 3)), 0, 1), 2 if seed % 2 else 5)
    known = rng.random((60, 3)) < 0.8
    fitted = fit(data(Y, S, known), objective)
    for k, name in enumerate(CLASSES):
        values = [WORTH[objective](*counts_at(p, Y[:, k], S[:, k], known[:, k])) for p in range(101)]
        assert fitted.classes[name] == middle_of_best(values) / 100
    whole = [WORTH[objective](*counts_at(p, Y, S, known)) for p in range(101)]
    common = fit(data(Y, S, known), objective, common=True)
    assert common.classes == dict.fromkeys(CLASSES, middle_of_best(whole) / 100)
    assert (fitted.common, common.common) == (False, True)


@pytest.mark.parametrize("target", [0.5, 0.8])
def test_precision_is_reached_by_the_lowest_threshold(target: float) -> None:
    rng = np.random.default_rng(3)
    Y = rng.random((80, 2)) < 0.4
    S = np.round(np.clip(0.3 * Y + 0.7 * rng.random((80, 2)), 0, 1), 5)
    fitted = fit(data(Y, S), "precision", target=target)
    assert fitted.target == target
    for k, name in enumerate(CLASSES[:2]):
        every = [counts_at(p, Y[:, k], S[:, k], np.ones(80, dtype=bool)) for p in range(101)]
        first = next(p for p, (tp, fp, _, _) in enumerate(every) if tp + fp and tp / (tp + fp) >= target)
        assert fitted.classes[name] == first / 100


def test_a_precision_that_is_out_of_reach() -> None:
    scores = one_class([0.3, 0.6], [0.9, 0.1])
    with pytest.warns(ImtoolsWarning, match=r"no precision of 0\.9 for cel"):
        fitted = fit(scores, "precision")
    assert fitted.classes == {"cel": 0.2}  # two of three are right from .11 to .3
    with pytest.raises(UsageError, match="no target"):
        fit(scores, "precision", target=0.0)


def test_the_middle_of_a_plateau() -> None:
    # Every threshold from .21 to .8 divides them, so the middle of those 60 is the 30th.
    assert fit(one_class([0.8, 0.95], [0.2, 0.1])).classes == {"cel": 0.5}
    # A score that equals the threshold is a yes: .31 still is, .32 no longer.
    assert fit(one_class([0.31], [0.29])).classes == {"cel": 0.3}


def test_hand_computed_objectives_differ() -> None:
    scores = one_class([0.9, 0.6, 0.35], [0.7, 0.65, 0.5, 0.45, 0.3, 0.2])
    # From .31 to .35 three of seven yeses are right: F1 .6, F0.5 .484. From .71 to .9 one of one: .5, .714.
    assert fit(scores, "f1").classes == {"cel": 0.33}
    assert fit(scores, "f0.5").classes == {"cel": 0.8}
    assert fit(scores, "accuracy").classes == {"cel": 0.8}  # 7 of 9 against 5
    assert fit(scores, "youden").classes == {"cel": 0.8}  # 1/3 at both; the longer run
    assert fit(scores, "prevalence").classes == {"cel": 0.63}  # three yeses from .61 to .65


def test_a_class_without_both_kinds_keeps_the_default() -> None:
    Y = [[1, 1, 0], [0, 1, 0], [1, 1, 0]]
    S = [[0.9, 0.9, 0.1], [0.1, 0.2, 0.2], [0.8, 0.8, 0.3]]
    with pytest.warns(ImtoolsWarning, match="flu, vio: no known positives or no known negatives"):
        fitted = fit(data(Y, S))
    assert fitted.classes == {"cel": 0.45, "flu": 0.5, "vio": 0.5}
    with pytest.warns(ImtoolsWarning, match="all classes together"):
        assert fit(data(np.ones((2, 2)), np.ones((2, 2))), common=True).classes == {"cel": 0.5, "flu": 0.5}


def test_unknown_objectives_are_refused() -> None:
    with pytest.raises(UsageError, match="'f3'"):
        fit(one_class([1.0], [0.0]), "f3")  # type: ignore[arg-type]
    assert set(WORTH) | {"precision"} == set(OBJECTIVES)


# ------------------------------------------------------------------------------------------------ sketches


def test_a_small_sketch_is_exact() -> None:
    names = [f"item/{i}" for i in range(1024)]
    sketch = Sketch.from_names([*names, *names[:10]])
    assert (sketch.count, len(sketch.hashes), sketch.exact) == (1024, 1024, True)
    seen = Seen(sketch, Sketch.from_names(["a", "b"]))
    others = [f"other/{i}" for i in range(500)]
    assert seen.overlap(names[:7] + others, ["b", "c", "b"]) == Overlap(7, 1, 507, True)
    assert not seen.overlap(others, ["c"])
    assert not Seen().overlap(names, ["a"])


def test_a_large_sketch_estimates() -> None:
    names = [f"item/{i}" for i in range(20_000)]
    sketch = Sketch.from_names(names)
    assert (sketch.count, sketch.exact) == (20_000, False)
    assert sorted(sketch.hashes) == sorted(stable_hash(name)[:16] for name in names)[:1024]
    seen = Seen(sketch)
    assert seen.overlap(names) == Overlap(20_000, 0, 20_000, False)
    assert seen.overlap([*names, *(f"other/{i}" for i in range(5000))]).items == 20_000
    half = seen.overlap(names[::2])
    assert abs(half.items - 10_000) < 4 * 20_000 / 64  # four standard errors
    assert not seen.overlap(f"other/{i}" for i in range(20_000))
    assert seen.overlap(name for name in names if sketch.find(name)).items == 1024  # never more than came


def test_an_estimate_is_not_more_than_there_is() -> None:
    seen = Seen(
        Sketch.from_names(f"i{k}" for k in range(20000)), Sketch.from_names(f"g{k}" for k in range(20000))
    )
    sampled = [f"g{k}" for k in range(20000) if seen.groups.find(f"g{k}")][:2]
    assert seen.groups.total(2) == 39
    overlap = seen.overlap(["x", "y", "z"], [*sampled, "other"])
    assert (overlap.items, overlap.recordings, overlap.total) == (0, 3, 3)
    counter = OverlapCounter(seen)
    counter.add("x", sampled[:1])
    assert counter.result().recordings == 1


def test_the_warning_says_what_comes_back() -> None:
    assert Overlap(3, 2, 10, True).warning().startswith("3 of 10 items were used to fit")
    assert Overlap(3, 2, 10, False).warning().startswith("about 3 of 10 items")
    assert Overlap(0, 1, 10, True).warning().startswith("1 recording of these 10 items was used")
    assert "no estimate for other recordings" in Overlap(0, 2, 10, True).warning()


# -------------------------------------------------------------------------------------------------- files


def example(*models: str) -> ThresholdsFile:
    seen = Seen(Sketch.from_names(["a", "b"]), Sketch.from_names(["song"]))
    return ThresholdsFile(
        {name: Thresholds(name, {"cel": 0.31, "flu": 0.5}, "f1", 2, seen) for name in models}
    )


def test_a_file_holds_what_was_fitted(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    fitted = fit(one_class([0.8], [0.2]), "precision", target=0.75, common=True, groups=["x", "y", "x"])
    example("net@1f3a").save(path)
    ThresholdsFile({"net@1f3a": fitted, "other@2b": example("other@2b").models["other@2b"]}).save(path)
    again = ThresholdsFile.load(path)
    assert again.models["net@1f3a"] == fitted
    assert (fitted.items, fitted.seen.groups.count, fitted.target) == (2, 2, 0.75)
    assert again.for_model("other@2b").classes == {"cel": 0.31, "flu": 0.5}
    assert again.for_model("other@2b").overlap(["a", "z"], ["song"]) == Overlap(1, 1, 2, True)
    content = json.loads(path.read_text())
    assert content["schema"] == "imtools/thresholds/1"
    assert '\n    "cel": 0.31,\n' in path.read_text()


def test_models_are_found_by_name() -> None:
    file = example("net@1f3a", "vgg@00", "vgg@01", "vgg@01#fold1")
    assert file.for_model("net@1f3a#fold2") is file.models["net@1f3a"]
    assert file.for_model("vgg@01#fold1") is file.models["vgg@01#fold1"]
    with pytest.warns(ImtoolsWarning, match="net@1f3a are used for net@9b2c"):
        assert file.for_model("net@9b2c#fold0") is file.models["net@1f3a"]
    for name in ("other@1f3a", "vgg@02", "ne"):
        with pytest.raises(UsageError, match="has no thresholds of model"):
            file.for_model(name)
        assert file.find(name) is None


FAULTS = {
    "gone": None,
    "not valid": "{",
    "schema": '{"schema": "imtools/thresholds/2"}',
    "models": '{"schema": "imtools/thresholds/1", "models": {}}',
    "an array": "[]",
    "classes.cel": {"cel": 1.2},
    "at least 0": {"cel": -0.1},
    "must be a number": {"cel": "high"},
    "is empty": {},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_file(fault: str, tmp_path: Path) -> None:
    path, content = tmp_path / "gone.json", FAULTS[fault]
    if isinstance(content, dict):
        whole = json.loads(example("net@1f3a").dumps())
        whole["models"]["net@1f3a"]["classes"] = content
        content = json.dumps(whole)
    if content is not None:
        path.write_text(content)
    with pytest.raises(ImtoolsError, match=r"gone\.json") as error:
        ThresholdsFile.load(path)
    assert content is None or fault in str(error.value) or fault == "not valid"


def test_a_cut_sketch_is_a_fault(tmp_path: Path) -> None:
    whole = json.loads(example("net@1f3a").dumps())
    whole["models"]["net@1f3a"]["seen"]["items"]["count"] = 3
    (tmp_path / "x.json").write_text(json.dumps(whole))
    with pytest.raises(ImtoolsError, match="must be 3, not 2"):
        ThresholdsFile.load(tmp_path / "x.json")


# ------------------------------------------------------------------------------------------------ commands


def record(name: str, label: str, scores: dict[str, float], model: str = "net@1f3a") -> Record:
    return Record(
        name, f"{name}.wav", 0.0, 2.0, 8000, 16000, groups=[f"song-{name}"], labels=[Label(label)],
        labels_complete=True,
        predictions=[Prediction(model, one, score) for one, score in scores.items()],
    )  # fmt: skip


SCORES = {"a": ("cel", 0.9, 0.3), "b": ("cel", 0.7, 0.1), "c": ("flu", 0.2, 0.31), "d": ("flu", 0.4, 0.8)}


def records(model: str = "net@1f3a") -> list[Record]:
    return [record(name, label, {"cel": x, "flu": y}, model) for name, (label, x, y) in SCORES.items()]


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def test_records_are_fitted_and_marked_without_a_command() -> None:
    several = [*records(), *records("other@2b")]
    fitted = fit_records(several, classes=["cel"])
    assert {name: one.classes for name, one in fitted.models.items()} == {
        "net@1f3a": {"cel": 0.55},
        "other@2b": {"cel": 0.55},
    }
    assert list(fit_records(several, classes=["cel"], model="other").models) == ["other@2b"]
    assert fit_records(several, objective="accuracy", common=True).for_model("net@1f3a").common
    with pytest.raises(
        ManifestError, match="id 'a' appears a second time with predictions of model net@1f3a"
    ):
        fit_records([*several, *records()[:1]])
    with pytest.raises(UsageError, match="no record has predictions for the whole item"):
        fit_records([])
    with pytest.warns(ImtoolsWarning, match="1 of 5 items are left out: they have no predictions"):
        fit_records([*records(), records()[0].replace(id="e", predictions=[])])
    window = Prediction("net@1f3a", "cel", 0.9, 0.0, 1.0)
    given = [one.replace(id=f"x/{one.id}", groups=[]) for one in records()]
    given = [one.replace(predictions=[*one.predictions, window]) for one in given]
    with pytest.warns(ImtoolsWarning, match="has no threshold for flu of net@1f3a"):
        marked = list(apply_thresholds(given, fitted))
    presents = [[p.present for p in one.predictions] for one in marked]
    assert presents == [[cel, None, None] for cel in (True, True, False, False)]
    assert all(p.present is None for one in given for p in one.predictions)


def test_one_model_for_each_input(run, tmp_path: Path) -> None:
    """Manifests of several models hold the same ids; those of one model may come in parts."""
    write_manifest(tmp_path / "a.jsonl", records()[:2])
    write_manifest(tmp_path / "b.jsonl", records()[2:])
    write_manifest(tmp_path / "other.jsonl", records("other@2b"))
    result = run("im-threshold", "a.jsonl", "b.jsonl", "other.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    models = json.loads(result.stdout)["models"]
    assert list(models) == ["net@1f3a", "other@2b"]
    # cel: .4 and .7 lie apart, so .41 to .7; flu: .3 and .31.
    assert models["net@1f3a"]["classes"] == models["other@2b"]["classes"] == {"cel": 0.55, "flu": 0.31}
    assert models["net@1f3a"]["items"] == models["net@1f3a"]["seen"]["groups"]["count"] == 4
    assert b"8 items ok, 0 failed" in result.stderr

    again = run("im-threshold", "--model", "other@2b", "a.jsonl", "other.jsonl", "a.jsonl", cwd=tmp_path)
    assert again.returncode == 3
    assert b"id 'a' appears a second time with predictions of model net@1f3a" in again.stderr
    assert b"6 items ok, 2 failed" in again.stderr
    assert list(json.loads(again.stdout)["models"]) == ["other@2b"]
    assert run("im-threshold", "--model", "third", "a.jsonl", cwd=tmp_path).returncode == 2


def test_windows_are_aggregated(run, tmp_path: Path) -> None:
    def windowed(one: Record) -> Record:
        made = [
            Prediction(p.model, p.label, min(1.0, p.score + shift), start, 1.0)
            for p in one.predictions
            for start, shift in ((0.0, 0.0), (1.0, 0.2))
        ]
        return one.replace(predictions=made)

    write_manifest(tmp_path / "windows.jsonl", [windowed(one) for one in records()])
    result = run("im-threshold", "--aggregate", "max", "--classes", "flu", "windows.jsonl", cwd=tmp_path)
    assert json.loads(result.stdout)["models"]["net@1f3a"]["classes"] == {"flu": 0.51}  # .2 above the others
    plain = run("im-threshold", "windows.jsonl", cwd=tmp_path)
    assert plain.returncode == 2
    assert b"no record has predictions for the whole item" in plain.stderr


def test_thresholds_are_applied(run, tmp_path: Path) -> None:
    fitted = fit(data([[1, 0], [0, 1]], [[0.7, 0.1], [0.4, 0.8]]), "f1")
    limits = ThresholdsFile({"net@1f3a": Thresholds("net@1f3a", {"cel": 0.7}, "f1", 2, fitted.seen)})
    limits.save(tmp_path / "limits.json")
    window = Prediction("net@1f3a", "cel", 0.99, 0.0, 1.0)
    every = [one.replace(predictions=[*one.predictions, window, Prediction("x@1", "cel", 0.8)])
             for one in records()]  # fmt: skip
    write_manifest(tmp_path / "in.jsonl", every)
    result = run("im-threshold", "--apply", "limits.json", "-o", "out", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr.decode()
    # These items are others than those fitted on; of flu there is nothing to apply.
    assert result.stderr.count(b"warning") == 1
    assert b"has no threshold for flu of net@1f3a: these predictions stay as they are" in result.stderr
    made = lines(result.stdout)
    assert [one["id"] for one in made] == list(SCORES)
    predictions = [one["predictions"] for one in made]
    assert [[p.get("present") for p in four] for four in predictions] == [
        [True, None, None, None],
        [True, None, None, None],  # .7 reaches .7
        [False, None, None, None],
        [False, None, None, None],
    ]
    assert list(read_manifest(tmp_path / "out" / "manifest.jsonl"))[1].predictions[0].present is True


def test_items_that_come_back_are_counted_also_after_resuming(run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", records())
    write_manifest(tmp_path / "part.jsonl", records()[:3])
    (tmp_path / "limits.json").write_bytes(run("im-threshold", "part.jsonl", cwd=tmp_path).stdout)
    call = ("im-threshold", "--apply", "limits.json", "-o", "out")
    first = run(*call, "part.jsonl", cwd=tmp_path)
    assert b"warning: 3 of 3 items were used to fit these thresholds" in first.stderr
    resumed = run(*call, "--resume", "in.jsonl", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr.decode()
    assert b"warning: 3 of 4 items were used to fit these thresholds" in resumed.stderr
    assert resumed.stderr.count(b"warning") == 1
    journal = (tmp_path / "out" / "journal.jsonl").read_bytes()
    changed = json.loads((tmp_path / "limits.json").read_text())
    changed["models"]["net@1f3a"]["classes"]["cel"] = 0.1
    (tmp_path / "limits.json").write_text(json.dumps(changed))
    refused = run(*call, "--resume", "in.jsonl", cwd=tmp_path)  # other thresholds under the same name
    assert refused.returncode == 2
    assert (tmp_path / "out" / "journal.jsonl").read_bytes() == journal
    # Other items of the same recordings are warned of, too.
    write_manifest(tmp_path / "others.jsonl", [r.replace(id=f"later/{r.id}") for r in records()])
    others = run("im-threshold", "--apply", "limits.json", "others.jsonl", cwd=tmp_path)
    assert b"3 recordings of these 4 items were used" in others.stderr
    foreign = run("im-threshold", "--apply", "limits.json", "-", stdin=b"", cwd=tmp_path)
    assert (foreign.returncode, foreign.stdout) == (0, b"")


def test_thresholds_of_other_models_apply_to_nothing_and_that_is_warned_of(run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "in.jsonl", records("other@2b"))
    example("net@1f3a").save(tmp_path / "limits.json")
    result = run("im-threshold", "--apply", "limits.json", "in.jsonl", cwd=tmp_path)
    assert b"no predictions of net@1f3a to apply them to" in result.stderr
    assert not any("present" in p for one in lines(result.stdout) for p in one["predictions"])


def test_thresholds_go_into_a_model(run, space: Path, tmp_path: Path) -> None:
    shutil.copytree(space / "model", tmp_path / "model")
    before = read_description(tmp_path / "model")
    call = ("im-threshold", "--classes", "cla", "--into", str(tmp_path / "model"))
    result = run(*call, str(space / "predictions.jsonl"))
    assert result.returncode == 0, result.stderr.decode()
    after = read_description(tmp_path / "model")
    fitted = json.loads(result.stdout)["models"][full_name(before)]["classes"]
    assert after.thresholds == [fitted["cla"], 0.5]  # vio was not fitted
    assert fitted["cla"] != 0.5
    assert load(tmp_path / "model").name == full_name(before)  # and the weights are still its own
    assert after.to_json() | {"thresholds": before.thresholds} == before.to_json()
    other = run(*call, str(space / "cqt.jsonl"))
    assert other.returncode == 2
    assert b"holds model" in other.stderr
    assert read_description(tmp_path / "model") == after


def test_a_fit_is_no_manifest(run, space: Path, tmp_path: Path) -> None:
    apply = ("--apply", "thresholds.json")
    for options in (
        ("-o", str(tmp_path / "out")), (*apply, "--into", "model"), (*apply, "--model", "net"),
        (*apply, "--objective", "f2"), (*apply, "--classes", "cla"), (*apply, "--common"),
    ):  # fmt: skip
        assert run("im-threshold", *options, "predictions.jsonl", cwd=space).returncode == 2
    assert not (tmp_path / "out").exists()


def test_thresholds_for_other_scores_stay_out_of_a_model(run, space: Path, tmp_path: Path) -> None:
    """The model takes the mean of its windows: what is best for their highest scores is not for it."""
    shutil.copytree(space / "model", tmp_path / "model")
    before = (tmp_path / "model" / "model.json").read_bytes()
    windows = run("im-predict", "-m", "model", "--windows", "features", cwd=space)
    call = ("im-threshold", "--into", str(tmp_path / "model"), "--aggregate")
    result = run(*call, "max", "-", stdin=windows.stdout)
    assert result.returncode == 2
    assert b"makes scores of windows by mean, not max" in result.stderr
    assert (tmp_path / "model" / "model.json").read_bytes() == before
    assert run(*call, "s1", "-", stdin=windows.stdout).returncode == 0


def test_a_class_with_two_scores_fails_its_item(run, tmp_path: Path) -> None:
    doubled = records()
    doubled[1].predictions.append(Prediction("net@1f3a", "cel", 0.2))
    doubled[1].predictions.append(Prediction("other@2b", "cel", 0.2))
    write_manifest(tmp_path / "in.jsonl", doubled)
    result = run("im-threshold", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 3
    assert b"record b: model net@1f3a gives class cel 2 scores" in result.stderr
    assert b"3 items ok, 1 failed" in result.stderr
    models = json.loads(result.stdout)["models"]
    assert {name: one["items"] for name, one in models.items()} == {"net@1f3a": 3}
