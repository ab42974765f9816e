"""From records to figures: what is scored, what is left out, how sure it is, and how it is shown."""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle

from imtools.errors import ImtoolsWarning, ManifestError, UsageError
from imtools.manifest import Label, Prediction, Record, dump_line
from imtools.score import Resampling, collect, format_table, lrap, score_records
from imtools.score.result import CLASS_FIGURES, ClassAtLevel
from imtools.score.rows import COLUMNS, to_csv
from imtools.thresholds import Thresholds, ThresholdsFile, fit_records


def item(number: int, labels: str, scores: dict[str, float], model: str = "net@1", **more) -> Record:
    complete = more.pop("labels_complete", True)
    return Record(
        f"r{number}",
        f"{number}.wav",
        0.0,
        1.0,
        8000,
        8000,
        labels=[Label(name) for name in labels],
        labels_complete=complete,
        predictions=[Prediction(model, name, score, **more) for name, score in scores.items()],
    )


ITEMS = [
    item(0, "a", {"a": 0.9, "b": 0.2, "c": 0.4}),
    item(1, "ab", {"a": 0.6, "b": 0.7, "c": 0.1}),
    item(2, "c", {"a": 0.7, "b": 0.1, "c": 0.3}),
    item(3, "b", {"a": 0.2, "b": 0.5, "c": 0.6}),
]


def test_records_are_scored_as_their_matrices_are():
    y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]])
    y_score = np.array([[p.score for p in r.predictions] for r in ITEMS])
    scores = score_records(iter(ITEMS))
    assert (scores.model, scores.num_items, scores.known) == ("net@1", 4, 1.0)
    assert scores.lrap == lrap(y_true, y_score)
    assert scores.decisions.micro.f1 == pytest.approx(
        oracle.f1_score(y_true, y_score >= 0.5, average="micro")
    )
    assert scores.decisions.macro.f1 == pytest.approx(
        oracle.f1_score(y_true, y_score >= 0.5, average="macro")
    )
    assert scores.all_ones.micro.f1 == pytest.approx(
        oracle.f1_score(y_true, np.ones_like(y_true), average="micro")
    )
    assert scores.all_ones.macro.f1 == pytest.approx(
        oracle.f1_score(y_true, np.ones_like(y_true), average="macro")
    )
    assert [row.label for row in scores.classes] == ["a", "b", "c"]
    assert [row.support for row in scores.classes] == [2, 2, 1]
    assert scores.top1 == pytest.approx(1 / 3)


def test_thresholds_may_come_by_class():
    scores = score_records(ITEMS, threshold={"a": 0.6, "b": 0.5, "c": 0.3})
    assert [row.threshold for row in scores.classes] == [0.6, 0.5, 0.3]
    assert scores.classes[2].recall == 1.0
    with pytest.raises(UsageError, match="no threshold for c"):
        score_records(ITEMS, threshold={"a": 0.6, "b": 0.5})


def test_a_subset_of_classes_can_be_scored():
    assert [row.label for row in score_records(ITEMS, classes=["b", "a"]).classes] == ["b", "a"]
    with pytest.raises(UsageError, match="does not predict z; it predicts a, b, c"):
        score_records(ITEMS, classes=["a", "z"])


def test_several_models_must_be_chosen_from():
    two = [item(i, "a", {"a": 0.1 * i, "b": 0.5}, model) for i in range(4) for model in ("x", "y")]
    with pytest.raises(UsageError, match="2 models: x, y"):
        score_records(two)
    with pytest.raises(UsageError, match="no predictions of model 'z'; there are those of x, y"):
        score_records(two, model="z")
    with pytest.warns(ImtoolsWarning, match="4 without predictions"):
        assert score_records(two, model="y").model == "y"


def test_what_is_left_out_is_counted():
    windows = item(4, "a", {"a": 0.9, "b": 0.1, "c": 0.1}, start=0.0, duration=1.0)
    unlabelled = item(5, "", {"a": 0.9, "b": 0.1, "c": 0.1}, labels_complete=False)
    for unlisted in ("absent", "unknown"):
        with pytest.warns(
            ImtoolsWarning, match="2 of 6 items are left out: 1 without predictions, 1 without"
        ):
            scores = score_records([*ITEMS, windows, unlabelled], unlisted=unlisted)
        assert (scores.num_items, scores.num_unpredicted, scores.num_unlabelled) == (4, 1, 1)
    silent = item(6, "", {"a": 0.9, "b": 0.1, "c": 0.1})
    assert score_records([*ITEMS, silent]).num_items == 5


def test_unlisted_labels_are_left_out_or_taken_as_absent():
    partial = [r.replace(labels_complete=False) for r in ITEMS]
    with pytest.warns(ImtoolsWarning, match="no class is known to be absent"):
        scores = score_records(partial)
    assert scores.known == pytest.approx(5 / 12)
    assert math.isnan(scores.auc)
    assert score_records(partial, unlisted="absent").to_json() == score_records(ITEMS).to_json()


def test_doubtful_predictions_are_warned_of():
    same = [item(i, "ab"[i % 2], {"a": 0.9, "b": 0.1}) for i in range(4)]
    with pytest.warns(ImtoolsWarning, match=r"net@1 predicts the same for every item"):
        score_records(same)
    with pytest.warns(ImtoolsWarning, match="does not predict are left out: z"):
        score_records([*ITEMS, item(7, "az", {"a": 0.9, "b": 0.1, "c": 0.1})])
    with pytest.warns(ImtoolsWarning, match="1 items lack a prediction"):
        score_records([*ITEMS, item(7, "a", {"a": 0.9})])


def test_nothing_to_score_is_an_error():
    with pytest.raises(UsageError, match="predictions for the whole item"):
        score_records([])
    with pytest.raises(UsageError, match="both labels and predictions"):
        score_records([item(0, "", {"a": 0.9}, labels_complete=False)])


def test_scores_become_json_without_nan():
    with pytest.warns(ImtoolsWarning, match="no class is known"):
        scores = score_records([item(0, "a", {"a": 0.9}), item(1, "a", {"a": 0.8})])
    text = json.dumps(scores.to_json(), allow_nan=False)
    assert json.loads(text)["classes"][0]["auc"] is None
    rows = score_records(ITEMS).to_rows()
    assert [row["label"] for row in rows] == [None, "a", "b", "c"]
    assert {row["schema"] for row in rows} == {"imtools/scores/1"}
    assert {row["model"] for row in rows} == {"net@1"}
    assert rows[0]["decisions"]["macro"]["f1"] == score_records(ITEMS).decisions.macro.f1


@pytest.mark.parametrize("threshold", [0.25, {"a": 0.25, "b": 0.5, "c" * 60: 0.75}])
def test_the_table_is_narrow_and_names_what_it_shows(threshold):
    long = [
        item(i, "", {"a": i / 9, "b": 0.3, "c" * 60: 0.7}, "m" * 200).replace(
            labels=[Label("a"), Label("c" * 60)]
        )
        for i in range(3)
    ]
    text = format_table(score_records(long, threshold=threshold))
    assert max(map(len, text.splitlines())) <= 100
    assert "F1, macro (mean of F1s)" in text
    assert "all-ones" in text
    assert ("threshold 0.25" in text) == (threshold == 0.25)
    assert "nan" not in text


COUNTS = {
    "voi": 1044, "pia": 995, "gel": 942, "gac": 535, "org": 361, "sax": 326, "vio": 211, "tru": 167,
    "flu": 163, "cel": 111, "cla": 62,
}  # fmt: skip
LABELS_PER_FILE = {1: 1236, 2: 1278, 3: 318, 4: 39, 5: 3}


def irmas_testing_labels() -> list[list[str]]:
    """Deal labels to files such that the counts of classes and files are those of the IRMAS test set."""
    left = dict(COUNTS)
    files = []
    for count in sorted((n for n, files in LABELS_PER_FILE.items() for _ in range(files)), reverse=True):
        chosen = sorted(left, key=lambda name: -left[name])[:count]
        for name in chosen:
            left[name] -= 1
        files.append(chosen)
    assert not any(left.values())
    return files


def test_the_floors_of_the_irmas_test_set_come_out_of_the_command(run, tmp_path):
    """All-ones: micro .269, macro .250; the three most frequent classes: .440 and .140."""
    lines = []
    for number, labels in enumerate(irmas_testing_labels()):
        scores = {name: float(name in ("voi", "pia", "gel")) for name in COUNTS}
        lines.append(dump_line(item(number, labels, scores)))
    (tmp_path / "prior.jsonl").write_text("".join(lines))
    result = run("im-score", "--format", "jsonl", "--bootstrap", "0", "prior.jsonl", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert b"predicts the same for every item" in result.stderr
    whole = json.loads(result.stdout.splitlines()[0])
    assert whole["num_items"] == 2874
    assert whole["degenerate"] is True
    assert whole["all_ones"]["micro"]["f1"] == pytest.approx(0.269, abs=5e-4)
    assert whole["all_ones"]["macro"]["f1"] == pytest.approx(0.250, abs=5e-4)
    assert whole["decisions"]["micro"]["f1"] == pytest.approx(0.440, abs=5e-4)
    assert whole["decisions"]["macro"]["f1"] == pytest.approx(0.140, abs=5e-4)
    # With the same scores everywhere nothing is ranked within a class.
    assert whole["auc"] == 0.5
    text = run("im-score", "--bootstrap", "0", "prior.jsonl", cwd=tmp_path).stdout.decode()
    assert "NOTE    the model says the same for every item" in text


def test_windows_become_one_score_as_asked():
    """Windows of .2 and .6 for a, .5 and .5 for b, 0 and 1 for c."""
    windows = [[0.2, 0.5, 0.0], [0.6, 0.5, 1.0]]
    made = [
        Prediction("net@1", name, score, float(start), 1.0)
        for start, row in enumerate(windows)
        for name, score in zip("abc", row, strict=True)
    ]
    record = item(0, "a", {"a": 0.9, "b": 0.9, "c": 0.9})
    record = record.replace(predictions=[*record.predictions, *made])
    for aggregation, expected in [
        (None, [0.9, 0.9, 0.9]),
        ("mean", [0.4, 0.5, 0.5]),
        ("s2", [0.8, 1.0, 1.0]),
        ("max", [0.6, 0.5, 1.0]),
        ("logit-mean", [0.375**0.5 / (1 + 0.375**0.5), 0.5, 0.5]),
    ]:
        scores = collect([record], aggregation=aggregation).labelled_scores().y_score[0]
        np.testing.assert_allclose(scores, expected, rtol=1e-12)
    lame = record.replace(predictions=made[:-1])
    with pytest.raises(ManifestError, match="r0: its windows have different classes"):
        collect([lame], aggregation="mean")
    with pytest.raises(ManifestError, match=r"record r0: model net@1 gives class a 2 scores"):
        collect([record.replace(predictions=[*made, made[0]])], aggregation="mean")
    with pytest.raises(UsageError, match="predictions for windows"):
        score_records(ITEMS, aggregation="mean")


def test_what_the_predictions_decide_counts_unless_a_threshold_is_given():
    y_pred = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 1, 1]]
    decided = [
        record.replace(
            predictions=[
                replace(one, present=bool(yes)) for one, yes in zip(record.predictions, row, strict=True)
            ]
        )
        for record, row in zip(ITEMS, y_pred, strict=True)
    ]
    y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]])
    scores = score_records(decided)
    assert scores.decisions.micro.f1 == pytest.approx(
        oracle.f1_score(y_true, np.array(y_pred), average="micro")
    )
    assert all(math.isnan(row.threshold) for row in scores.classes)
    assert "decisions, as the predictions say" in format_table(scores)
    assert score_records(decided, threshold=0.5).to_json() == score_records(ITEMS).to_json()
    assert scores.lrap == score_records(ITEMS).lrap


def test_what_only_some_predictions_decide_counts_there():
    """a of r0 is rejected in spite of .9, b of r1 in spite of .7; all else is decided at 0.5."""
    first, second, *rest = ITEMS
    no = [replace(one, present=False) if one.label == "a" else one for one in first.predictions]
    yes = [replace(one, present=False) if one.label == "b" else one for one in second.predictions]
    mixed = [first.replace(predictions=no), second.replace(predictions=yes), *rest]
    with pytest.warns(ImtoolsWarning, match="10 of 12 predictions of model net@1 do not state"):
        scores = score_records(mixed)
    y_pred = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 1]])
    y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]])
    assert scores.decisions.micro.f1 == pytest.approx(oracle.f1_score(y_true, y_pred, average="micro"))
    assert [math.isnan(row.threshold) for row in scores.classes] == [True, True, False]
    assert "decisions, as the predictions say, of other classes at threshold 0.5" in format_table(scores)
    assert score_records(mixed, threshold=0.5).to_json() == score_records(ITEMS).to_json()


def test_a_class_with_two_scores_is_a_fault():
    doubled = ITEMS[0].replace(predictions=[*ITEMS[0].predictions, Prediction("net@1", "a", 0.1)])
    with pytest.raises(ManifestError, match=r"record r0: model net@1 gives class a 2 scores"):
        collect([doubled])
    collected = collect(ITEMS[1:])
    with pytest.raises(ManifestError):
        collected.add(doubled)
    assert (
        score_records(collected).to_json() == score_records(ITEMS[1:]).to_json()
    )  # nothing of it was taken in


def test_a_model_may_be_named_without_its_hash():
    others = [item(k, "ab"[k % 2], {"a": 0.5, "b": 0.6}, "vgg@2") for k in range(4)]
    both = [
        one.replace(predictions=[*one.predictions, *other.predictions])
        for one, other in zip(ITEMS, others, strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImtoolsWarning)
        assert score_records(both, model="net", classes=["a", "b"]).model == "net@1"
        assert score_records(both, model="net", baseline_model="vgg", classes=["a"]).baseline.model == "vgg@2"
        with pytest.raises(UsageError, match="cannot be its own baseline"):
            score_records(both, model="net@1", baseline_model="net")
        with pytest.raises(UsageError, match="baseline: model vgg@2 does not predict c"):
            score_records(both, model="net", baseline_model="vgg")


def test_members_that_lack_a_class_give_no_figures_by_fold():
    members = [
        one.replace(
            predictions=[
                Prediction(f"net@1#fold{fold}", p.label, p.score)
                for p in one.predictions
                for fold in (0, 1)
                if (p.label, fold) != ("c", 1)
            ]
        )
        for one in ITEMS
    ]
    with pytest.warns(ImtoolsWarning, match="member net@1#fold1 does not predict c"):
        scores = score_records(members)
    assert scores.folds is None
    assert scores.lrap == score_records(ITEMS).lrap  # c is what the other member says


def test_scores_beyond_0_and_1_are_warned_of():
    logits = [item(k, "ab"[k % 2], {"a": 2.0 * (k % 2) - 1, "b": 0.3}) for k in range(4)]
    with pytest.warns(ImtoolsWarning, match="2 scores of model net@1 are not between 0 and 1"):
        collect(logits).labelled_scores()


def test_odd_names_do_not_break_the_table():
    odd = ["ne\nw\tline", "\x1b[31mred", "日本の楽器", "e\u0301te\u0301", "日本" * 20]
    records = [
        item(k, "", {name: 0.1 * ((3 * k + n) % 10) for n, name in enumerate(odd)}, "m\n@1").replace(
            labels=[Label(odd[k % 5])]
        )
        for k in range(10)
    ]
    lines = format_table(score_records(records)).split("\n")
    assert lines[0] == "model   m\\n@1"
    table = lines[next(k for k, line in enumerate(lines) if line.startswith("class ")) :][:6]
    assert all(line.isprintable() for line in lines)
    assert table[1].startswith("\\x1b[31mred ")

    def columns(text: str) -> int:
        wide = sum(unicodedata.east_asian_width(c) == "W" for c in text)
        return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))

    assert len({columns(line) for line in table}) == 1


def random_items(
    count: int, seed: int, skill: float, model: str = "net@1", per_group: int = 2
) -> list[Record]:
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(99).integers(0, 2, (count, 3)).astype(bool)
    records = []
    for number in range(count):
        scores = np.clip(0.5 + skill * (labels[number] - 0.5) + 0.3 * rng.standard_normal(3), 0, 1)
        named = [name for name, there in zip("abc", labels[number], strict=True) if there]
        one = item(number, "".join(named), dict(zip("abc", scores.tolist(), strict=True)), model)
        records.append(one.replace(groups=[f"g{number // per_group}"], fold=number % 3))
    return records


def test_intervals_hold_the_figures_and_shrink_with_the_number_of_recordings():
    few, many = (
        score_records(random_items(count, 1, 0.3), resampling=Resampling(200, 0.9, seed=4))
        for count in (40, 640)
    )
    for scores in (few, many):
        for name, value in scores.figures().items():
            assert scores.intervals.overall[name].low <= value <= scores.intervals.overall[name].high, name
        for row in scores.classes:
            low, high = scores.intervals.classes[row.label]["f1"]
            assert low <= row.f1 <= high
    assert (few.intervals.groups, few.num_groups, few.intervals.confidence) == (20, 20, 0.9)
    widths = [s.intervals.overall["lrap"].high - s.intervals.overall["lrap"].low for s in (few, many)]
    assert widths[1] < widths[0] / 2
    again = score_records(random_items(40, 1, 0.3), resampling=Resampling(200, 0.9, seed=4))
    assert again.to_json() == few.to_json()
    other = score_records(random_items(40, 1, 0.3), resampling=Resampling(200, 0.9, seed=5))
    assert other.intervals != few.intervals


def test_items_of_one_recording_move_together():
    """Ten copies of each item are no more evidence than one."""
    once = random_items(30, 2, 0.3, per_group=1)
    copies = [r.replace(id=f"{r.id}-{copy}", audio=f"{r.id}-{copy}.wav") for r in once for copy in range(10)]
    alone, copied = (score_records(records, resampling=Resampling(100)) for records in (once, copies))
    assert copied.num_groups == alone.num_groups == 30
    for name, interval in alone.intervals.overall.items():
        assert copied.intervals.overall[name] == pytest.approx(interval, rel=1e-9), name
    apart = score_records([r.replace(groups=[]) for r in copies], resampling=Resampling(100))
    assert apart.num_groups == 300


def test_one_recording_has_no_intervals():
    same = [record.replace(groups=["g"]) for record in ITEMS]
    with pytest.warns(ImtoolsWarning, match="no intervals: all items are of one recording"):
        assert score_records(same, resampling=Resampling()).intervals is None
    with pytest.raises(UsageError, match="confidence of 95"):
        Resampling(confidence=95)


def test_intervals_of_few_recordings_are_warned_of():
    records = [record.replace(groups=[f"g{n % 9}"]) for n, record in enumerate(random_items(40, 1, 0.3))]
    with pytest.warns(ImtoolsWarning, match="too narrow: only 9 groups of items share no recording"):
        assert score_records(records, resampling=Resampling(20)).intervals.groups == 9


def test_a_baseline_is_compared_item_by_item():
    good, bad = random_items(60, 1, 0.5), random_items(60, 2, 0.1, "base@2")
    scores = score_records(good, baseline=bad, resampling=Resampling(300))
    other = score_records(bad)
    assert (scores.baseline.model, scores.baseline.num_items) == ("base@2", 60)
    for name, one in scores.baseline.overall.items():
        assert one.value == other.figures()[name]
        assert one.difference == pytest.approx(scores.figures()[name] - one.value, abs=1e-15)
        assert one.low <= one.difference <= one.high
    assert scores.baseline.overall["lrap"].clear
    for row, theirs in zip(scores.classes, other.classes, strict=True):
        difference = scores.baseline.classes[row.label]["f1"]
        assert difference.difference == pytest.approx(row.f1 - theirs.f1, abs=1e-15)
    assert "against base@2, on 60 items" in format_table(scores)


def test_a_model_does_not_differ_from_itself():
    """Paired resamples draw the same recordings for both, in whatever order they come."""
    records = random_items(30, 1, 0.3)
    twin = [r.replace(predictions=[replace(p, model="twin@1") for p in r.predictions]) for r in records]
    scores = score_records(records, baseline=reversed(twin), resampling=Resampling(50))
    for one in scores.baseline.overall.values():
        assert (one.difference, one.low, one.high) == (0, 0, 0)
        assert not one.clear
    both = [
        record.replace(predictions=record.predictions + other.predictions)
        for record, other in zip(records, twin, strict=True)
    ]
    inside = score_records(both, model="net@1", baseline_model="twin@1", resampling=Resampling(50))
    assert inside.to_json() == scores.to_json()
    with pytest.raises(UsageError, match="cannot be its own baseline"):
        score_records(both, model="net@1", baseline_model="net@1")


def test_a_baseline_of_other_items_is_compared_on_those_that_both_have():
    good, bad = random_items(60, 1, 0.5), random_items(60, 2, 0.1, "base@2")
    with pytest.warns(ImtoolsWarning, match="40 items are compared: 10 are scored only by net@1, 10 only by"):
        scores = score_records(good[:50], baseline=bad[10:], resampling=Resampling(50))
    part = score_records(good[10:50], baseline=bad[10:50], resampling=Resampling(50))
    assert scores.num_items == 50
    assert scores.baseline == part.baseline
    with pytest.raises(UsageError, match="no item has scores of both"):
        score_records(good[:10], baseline=bad[10:])
    swapped = [bad[0].replace(labels=[]), *bad[1:]]
    with pytest.raises(UsageError, match="item r0 has other labels in the records with the scores of base@2"):
        score_records(good, baseline=swapped)


def test_folds_of_the_items_are_scored_apart():
    records = random_items(60, 1, 0.3)
    folds = score_records(records).folds
    assert (folds.by, folds.folds) == ("items", [0, 1, 2])
    each = [score_records([r for r in records if r.fold == fold]).figures() for fold in range(3)]
    for name, spread in folds.overall.items():
        assert folds.each[name] == [one[name] for one in each]
        assert spread.mean == pytest.approx(np.mean(folds.each[name]))
        assert spread.deviation == pytest.approx(np.std(folds.each[name], ddof=1))
    assert score_records([records[0].replace(fold=None), *records[1:]]).folds is None
    assert score_records([r for r in records if r.fold == 1]).folds is None


def test_members_are_scored_alone_and_their_mean_as_the_model():
    """Kratimenos et al. (2020), Table III: the deviation over five nets on one test set."""
    parts = [random_items(40, seed, 0.3, f"net@1#fold{seed}") for seed in range(3)]
    records = [
        own[0].replace(predictions=[p for one in own for p in one.predictions], fold=None)
        for own in zip(*parts, strict=True)
    ]
    scores = score_records(records)
    assert scores.model == "net@1"
    assert (scores.folds.by, scores.folds.folds) == ("members", [0, 1, 2])
    assert scores.folds.each["lrap"] == [score_records(part).lrap for part in parts]
    y_score = np.mean([collect(part).labelled_scores().y_score for part in parts], axis=0)
    assert scores.lrap == lrap(collect(records).labelled_scores().y_true, y_score)
    assert score_records(records, model="net@1#fold1").lrap == scores.folds.each["lrap"][1]


def test_polyphony_and_confusion():
    """Two items with one class, taken for a and for b and c alike; one with two, one with none."""
    records = [
        item(0, "a", {"a": 0.9, "b": 0.2, "c": 0.4}),
        item(1, "c", {"a": 0.1, "b": 0.6, "c": 0.6}),
        item(2, "ab", {"a": 0.6, "b": 0.7, "c": 0.1}),
        item(3, "", {"a": 0.1, "b": 0.1, "c": 0.1}),
    ]
    scores = score_records(records)
    assert [(level.polyphony, level.num_items) for level in scores.levels] == [(0, 1), (1, 2), (2, 1)]
    assert [level.emr for level in scores.levels] == [1, 0.5, 1]
    assert [level.iou for level in scores.levels] == [1, 0.75, 1]
    assert (scores.emr, scores.iou) == (0.75, 0.875)
    assert scores.levels[1].classes["c"] == ClassAtLevel(tpr=1.0, accuracy=1.0, tp=1, fp=0, fn=0, tn=1)
    assert scores.levels[1].classes["b"].fp == 1
    assert scores.confusion.counts == [[1, 0, 0], [0, 0, 0], [0, 0.5, 0.5]]
    assert scores.top1 == 0.75
    assert score_records(records[2:]).confusion is None


def test_rows_hold_the_intervals_and_differences_of_their_class():
    records = random_items(30, 1, 0.3)
    base = random_items(30, 2, 0.1, "base@2")
    whole, *rows = score_records(records, baseline=base, resampling=Resampling(20)).to_rows()
    assert set(whole["intervals"]) >= {"confidence", "replicates", "groups", "lrap", "f1_macro"}
    assert whole["baseline"]["model"] == "base@2"
    assert set(whole["baseline"]["lrap"]) == {"value", "difference", "low", "high"}
    assert "classes" not in whole["intervals"]
    for row in rows:
        assert set(row["intervals"]) == set(row["baseline"]) == set(CLASS_FIGURES)
    json.dumps([whole, *rows], allow_nan=False)


def test_csv_has_a_line_for_each_figure():
    scores = score_records(random_items(30, 1, 0.3), resampling=Resampling(20))
    lines = list(csv.DictReader(io.StringIO(to_csv(scores))))
    assert tuple(lines[0]) == COLUMNS
    found = {(line["label"], line["polyphony"], line["figure"]): line for line in lines}
    assert len(found) == len(lines)
    assert float(found["", "", "lrap"]["value"]) == scores.lrap
    assert float(found["", "", "lrap"]["low"]) == scores.intervals.overall["lrap"].low
    assert float(found["", "", "lrap"]["fold_mean"]) == scores.folds.overall["lrap"].mean
    assert float(found["b", "", "f1"]["value"]) == scores.classes[1].f1
    assert float(found["b", "2", "tpr"]["value"]) == scores.levels[2].classes["b"].tpr
    assert found["", "", "lrap"]["difference"] == ""


def test_constant_classes_are_called_out():
    records = [item(i, "ab"[i % 2], {"a": i / 8, "b": 0.5}) for i in range(8)]
    scores = score_records(records)
    assert not scores.degenerate
    assert [row.constant for row in scores.classes] == [False, True]
    assert "NOTE    the same score for every item: b" in format_table(scores)


def test_fitted_thresholds_are_those_of_each_model_and_are_warned_of():
    fitted = fit_records(ITEMS)
    other = Thresholds("base@2", {"a": 0.1, "b": 0.2, "c": 0.3}, "f1", 9)
    both = ThresholdsFile(fitted.models | {"base@2": other})
    weaker = [item(i, "abc"[i % 3], {"a": 0.2, "b": 0.4, "c": 0.1 * i}, "base@2") for i in range(4)]
    labelled = [one.replace(labels=record.labels) for one, record in zip(weaker, ITEMS, strict=True)]
    with pytest.warns(ImtoolsWarning, match="4 of 4 items were used to fit these thresholds"):
        scores = score_records(ITEMS, threshold=both, baseline=labelled)
    limits = fitted.for_model("net@1").classes
    assert {row.label: row.threshold for row in scores.classes} == limits
    assert scores.decisions == score_records(ITEMS, threshold=limits).decisions
    alone = score_records(labelled, threshold=other.classes)
    assert scores.baseline.overall["f1_micro"].value == alone.decisions.micro.f1
    with pytest.raises(UsageError, match=r"has no thresholds of model net@1"):
        score_records(ITEMS, threshold=ThresholdsFile({"base@2": other}))
