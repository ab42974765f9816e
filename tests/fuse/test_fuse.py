"""Fusion: the rules by hand, what is settled beforehand, and the command on several manifests."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from imtools.cli.fuse import parse_weights
from imtools.errors import ManifestError, UsageError
from imtools.fuse import ScoreTable, fuse_scores, merged, plan, whole_scores
from imtools.manifest import Label, Prediction, Record, write_manifest
from imtools.thresholds import Thresholds, ThresholdsFile

NAN = math.nan


# --------------------------------------------------------------------------------------------------- rules


def test_means_by_hand() -> None:
    S = [[0.2, 0.6, 1.0], [0.8, 0.3, 0.0], [0.8, 0.3, 0.5]]
    np.testing.assert_allclose(fuse_scores(S, "mean").scores, [0.6, 0.4, 0.5], rtol=1e-15)
    weighted = fuse_scores(S, "mean", weights=[2, 1, 1])
    np.testing.assert_allclose(weighted.scores, [0.5, 0.45, 0.625], rtol=1e-15)
    assert weighted.present is None
    np.testing.assert_allclose(fuse_scores(S, "max").scores, [0.8, 0.6, 1.0], rtol=1e-15)
    # logit .2 = -ln 4 and logit .8 = ln 4: their weighted mean is 1/3 ln 4 and 1/2 ln 4 - 1/2 ln 4.
    one, other = fuse_scores([[0.2], [0.8], [0.8]], "logit-mean"), [[0.2], [0.8], [0.8]]
    np.testing.assert_allclose(one.scores, [4 ** (1 / 3) / (1 + 4 ** (1 / 3))], rtol=1e-12)
    np.testing.assert_allclose(fuse_scores(other, "logit-mean", weights=[2, 1, 1]).scores, [0.5], rtol=1e-12)


def test_votes_by_hand() -> None:
    S = [[0.5, 0.31, 0.9, 0.1], [0.4, 0.3, 0.9, 0.1]]
    T = [[0.5, 0.31, 0.5, 0.5], [0.5, 0.31, 0.5, 0.5]]
    fused = fuse_scores(S, "vote", thresholds=T)
    assert fused.scores.tolist() == [0.5, 0.5, 1.0, 0.0]  # a score that equals its threshold is a yes
    assert fused.present.tolist() == [False, False, True, False]  # half is no majority
    three = fuse_scores([[0.6], [0.5], [0.2]], "vote")
    assert three.scores.tolist() == [2 / 3]
    assert three.present.tolist() == [True]


def test_all_models_must_exceed_their_thresholds() -> None:
    """lumen2023, Table 7: strictly above, all of them."""
    T = [[0.4, 0.4, 0.4, 0.4], [0.2, 0.2, 0.2, 0.2]]
    S = [[0.7, 0.4, 0.1, 0.41], [0.6, 0.9, 0.9, 0.21]]
    fused = fuse_scores(S, "all", thresholds=T)
    assert fused.present.tolist() == [True, False, False, True]
    # .5 + .5 * .3 / .6 and .5 + .5 * .4 / .8 are .75; a tie falls short; half of a quarter; the narrower.
    expected = [0.75, 0.499999, 0.125, 0.5 + 0.5 * 0.01 / 0.8]
    np.testing.assert_allclose(fused.scores, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_half_divides_as_table_7_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    S, T = np.round(rng.random((3, 400)), 2), np.round(rng.random((3, 400)), 2)
    T[0, :20], T[1, 20:40] = 0, 1
    S[0, 5:10] = 0
    fused = fuse_scores(S, "all", thresholds=T)
    present = (S > T).all(axis=0)
    assert present.any()
    assert (fused.present == present).all()
    assert ((np.round(fused.scores, 6) >= 0.5) == present).all()
    assert ((fused.scores >= 0) & (fused.scores <= 1)).all()
    # A higher score of any model never ranks an item lower.
    higher = fuse_scores(np.minimum(S + 0.05, 1), "all", thresholds=T)
    assert (higher.scores >= fused.scores - 1e-12).all()


@pytest.mark.parametrize(
    ("rule", "expected", "present"),
    [
        ("mean", [0.3, 0.9], None),
        ("logit-mean", [0.3, 0.9], None),
        ("max", [0.3, 0.9], None),
        ("vote", [0.0, 1.0], [False, True, False]),
        ("all", [0.3, 0.9], [False, True, False]),
    ],
)
def test_models_without_a_score_leave_it_to_the_others(rule, expected, present) -> None:
    fused = fuse_scores([[NAN, 0.9, NAN], [0.3, NAN, NAN]], rule)
    np.testing.assert_allclose(fused.scores, [*expected, NAN], rtol=1e-9)
    assert (None if fused.present is None else fused.present.tolist()) == present


def test_what_does_not_go_together_is_refused() -> None:
    S = [[0.1, 0.2], [0.3, 0.4]]
    for arguments, match in (
        (("median", {}), "'median'"),
        (("max", {"weights": [1, 1]}), "no weights"),
        (("mean", {"thresholds": S}), "no thresholds"),
        (("mean", {"weights": [1, 0]}), "do not fit"),
        (("mean", {"weights": [1]}), "do not fit"),
        (("all", {"thresholds": [[0.5, 0.5]]}), "do not fit"),
    ):
        with pytest.raises(UsageError, match=match):
            fuse_scores(S, arguments[0], **arguments[1])
    with pytest.raises(UsageError, match="no scores"):
        fuse_scores(np.zeros((0, 2)), "mean")


# ---------------------------------------------------------------------------------------------------- plan

TWO = {"mel@1a": ["cel", "flu"], "cqt@2b": ["flu", "cel"]}


def limits(**models: dict[str, float]) -> ThresholdsFile:
    made = {name.replace("_", "@"): classes for name, classes in models.items()}
    return ThresholdsFile({name: Thresholds(name, classes, "f1", 9) for name, classes in made.items()})


def test_names_depend_on_what_is_fused() -> None:
    own = limits(mel_1a={"cel": 0.3, "flu": 0.4}, cqt_2b={"cel": 0.5, "flu": 0.6})
    plans = [
        plan(TWO),
        plan(TWO, "max"),
        plan(TWO, weights=[1, 2]),
        plan(TWO, models=["cqt", "mel"]),
        plan(TWO, "vote"),
        plan(TWO, "vote", threshold=0.4),
        plan(TWO, "vote", thresholds=own),
    ]
    names = [one.name for (one,) in plans]
    assert len(set(names)) == len(names)
    assert names[0].startswith("fuse-mean@")
    assert len(names[0]) == len("fuse-mean@") + 8
    assert plan(TWO)[0].name == names[0]
    assert plan(TWO, name="mine")[0].name == "mine"
    assert plans[-1][0].thresholds.tolist() == [[0.3, 0.4], [0.5, 0.6]]
    assert plans[3][0].models == ("cqt@2b", "mel@1a")
    assert plans[3][0].classes == ("flu", "cel")


def test_weights_by_name_and_in_order() -> None:
    three = TWO | {"modgd@3c": ["cel", "flu"]}
    assert plan(three, weights=parse_weights("modgd=3, mel@1a=0.5"))[0].weights == (0.5, 1.0, 3.0)
    assert plan(three, weights=parse_weights("1,2,3"))[0].weights == (1.0, 2.0, 3.0)
    assert plan(three, weights=[1, 2], models=["modgd", "mel"])[0].weights == (1.0, 2.0)
    for text, match in (
        ("1,2", "2 for 3 models"), ("mel=1,2,3", "only some"), ("vgg=2", "'vgg'"), ("mel=x", "not a number"),
        ("mel=0", "not a weight"), ("inf,1,1", "not a weight"), ("nan,1,1", "not a weight"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=match):
            plan(three, weights=parse_weights(text))


def test_what_cannot_be_fused_is_refused() -> None:
    members = {"mel@1a#fold0": ["cel"], "mel@1a#fold1": ["cel"], "cqt@2b#fold0": ["cel"]}
    apart = TWO | {"vgg@9": ["cel", "voi"]}
    cases = [
        ({}, {}, "no record has predictions"),
        ({"mel@1a": ["cel"]}, {}, "one model only"),
        (TWO, {"models": ["mel", "vgg"]}, "'vgg'"),
        (TWO, {"models": ["mel", "mel@1a"]}, "named twice"),
        (TWO | {"mel@9": ["cel"]}, {"models": ["mel", "cqt"]}, "can be mel@1a, mel@9"),
        (apart, {}, "have flu, voi"),
        (TWO, {"rule": "max", "weights": [1, 2]}, "no weights"),
        (TWO, {"threshold": 0.4}, "no thresholds"),
        (TWO, {"rule": "all", "threshold": 0.4, "thresholds": limits(mel_1a={"cel": 0.1})}, "do not go"),
        (TWO, {"rule": "all", "thresholds": limits(mel_1a={"cel": 0.1, "flu": 0.1})}, "model cqt@2b"),
        (TWO, {"rule": "all", "thresholds": limits(mel_1a={"cel": 0.1})}, "no threshold of .* flu"),
        (TWO, {"by_fold": True}, "no predictions of members"),
        (members, {"by_fold": True}, "folds 0, 1, cqt@2b of 0"),
        (TWO | members, {"by_fold": True}, "folds 0, 1"),
        (TWO | {"vgg@9#fold0": ["cel"]}, {}, "members of vgg@9"),
        (TWO, {"name": "mine#fold0"}, "not a valid model name"),
    ]  # fmt: skip
    for classes, options, match in cases:
        with pytest.raises(UsageError, match=match):
            plan(classes, **options)
    named = plan(TWO | {"vgg@9#fold0": ["cel"]}, models=["mel", "cqt"])
    assert named[0].models == ("mel@1a", "cqt@2b")


def test_partial_fuses_over_the_models_that_have_a_class() -> None:
    (fusion,) = plan({"a": ["cel", "flu"], "b": ["flu", "voi"]}, partial=True, name="both")
    made = fusion.fuse("x", {"a": {"cel": 0.2, "flu": 0.4}, "b": {"flu": 0.6, "voi": 0.9}})
    assert [(one.label, one.score) for one in made] == [("cel", 0.2), ("flu", 0.5), ("voi", 0.9)]
    made = fusion.fuse("x", {"b": {"flu": 0.6, "voi": 0.9}})
    assert [(one.label, one.score) for one in made] == [("flu", 0.6), ("voi", 0.9)]
    with pytest.raises(ManifestError, match="lacks predictions of a, b"):
        fusion.fuse("x", {"c": {"cel": 0.2}})


def test_items_that_lack_something_fail() -> None:
    (fusion,) = plan(TWO)
    with pytest.raises(ManifestError, match="record x: lacks predictions of cqt@2b"):
        fusion.fuse("x", {"mel@1a": {"cel": 0.2, "flu": 0.4}})
    with pytest.raises(ManifestError, match="model cqt@2b has no score for flu"):
        fusion.fuse("x", {"mel@1a": {"cel": 0.2, "flu": 0.4}, "cqt@2b": {"cel": 0.1}})


def test_folds_are_fused_apart_with_the_thresholds_of_their_models() -> None:
    members = {f"{model}#fold{k}": ["cel"] for k in (10, 2) for model in TWO}
    own = limits(mel_1a={"cel": 0.3}, cqt_2b={"cel": 0.6})
    fusions = plan(TWO | members, "all", by_fold=True, name="fused", thresholds=own)
    assert [one.name for one in fusions] == ["fused#fold2", "fused#fold10"]
    assert [one.models for one in fusions] == [
        ("mel@1a#fold2", "cqt@2b#fold2"),
        ("mel@1a#fold10", "cqt@2b#fold10"),
    ]
    assert all(one.thresholds.tolist() == [[0.3], [0.6]] for one in fusions)


# ------------------------------------------------------------------------------------------------- records


def record(name: str, scores: dict[str, dict[str, float]]) -> Record:
    made = [Prediction(m, label, score) for m, labels in scores.items() for label, score in labels.items()]
    return Record(
        name, f"{name}.wav", 0.0, 1.0, 8000, 8000, labels=[Label("cel")], labels_complete=True,
        predictions=[*made, Prediction("w@0", "cel", 0.9, 0.0, 0.5)],
    )  # fmt: skip


def test_a_table_gives_back_what_it_took() -> None:
    table = ScoreTable("b.jsonl")
    given = {
        "x": {"mel@1a": {"cel": 0.1, "flu": 0.2}},
        "y": {"cqt@2b": {"cel": 0.3}, "mel@1a": {"voi": 0.4}},
        "z": {"mel@1a": {"cel": 0.123456, "flu": 0.2}},
        "none": {},
    }
    for name, scores in given.items():
        table.add(record(name, scores))
        assert whole_scores(record(name, scores)) == scores
    assert {name: table.scores(name) for name in table} == given
    assert table.scores("gone") == {}
    assert table.classes == {"mel@1a": ["cel", "flu", "voi"], "cqt@2b": ["cel"]}
    assert table.digest("x") != table.digest("z")


def test_one_model_in_two_sources() -> None:
    one, other = {"a": {"cel": 0.1}}, {"a": {"cel": 0.1, "flu": 0.5}, "b": {"cel": 0.2}}
    assert merged("x", {"1": one, "2": other}) == {"a": {"cel": 0.1, "flu": 0.5}, "b": {"cel": 0.2}}
    assert one == {"a": {"cel": 0.1}}
    with pytest.raises(ManifestError, match="record x: 2 gives model a a different score for cel"):
        merged("x", {"1": {"a": {"cel": 0.2}}, "2": other})


# ------------------------------------------------------------------------------------------------- command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two manifests, which agree in the items x and y; u and v are in one of them."""
    write_manifest(
        tmp_path / "a.jsonl",
        [
            record(name, {"mel@1a": {"cel": score, "flu": 0.5}})
            for name, score in zip("xuy", (0.2, 0.3, 0.4), strict=True)
        ],
    )
    write_manifest(
        tmp_path / "b.jsonl",
        [
            record(name, {"cqt@2b": {"cel": score, "flu": 0.1}})
            for name, score in zip("yvx", (0.8, 0.7, 0.5), strict=True)
        ],
    )
    return tmp_path


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.splitlines()]


def fused_scores(made: dict) -> list[tuple]:
    return [(p["model"], p["label"], p["score"]) for p in made["predictions"]]


def test_records_are_matched_by_id(run, folder: Path) -> None:
    call = ("im-fuse", "--name", "both", "--failures", "failures.jsonl")
    result = run(*call, "a.jsonl", "b.jsonl", cwd=folder)
    assert result.returncode == 3
    made = lines(result.stdout)
    assert [one["id"] for one in made] == ["x", "y"]
    assert [fused_scores(one) for one in made] == [
        [("both", "cel", 0.35), ("both", "flu", 0.3)],
        [("both", "cel", 0.6), ("both", "flu", 0.3)],
    ]
    failed = lines((folder / "failures.jsonl").read_bytes())
    assert [(one["id"], one["tool"]) for one in failed] == [("u", "im-fuse"), ("v", "im-fuse")]
    assert "lacks predictions of cqt@2b" in failed[0]["message"]
    assert "not in a.jsonl, so predictions of mel@1a are missing" in failed[1]["message"]
    assert b"2 items ok, 2 failed" in result.stderr

    partial = run(*call, "--partial", "a.jsonl", "b.jsonl", cwd=folder)
    assert partial.returncode == 3
    assert [fused_scores(one)[0] for one in lines(partial.stdout)] == [
        ("both", "cel", 0.35), ("both", "cel", 0.3), ("both", "cel", 0.6),
    ]  # fmt: skip
    assert [one["id"] for one in lines((folder / "failures.jsonl").read_bytes())] == ["v"]

    strict = run(*call, "--strict", "a.jsonl", "b.jsonl", cwd=folder)
    assert strict.returncode == 1
    assert b"--strict" in strict.stderr


def test_where_holds_for_each_input(run, folder: Path) -> None:
    call = ("im-fuse", "--where", "id=x", "a.jsonl", "b.jsonl")
    result = run(*call, cwd=folder)
    assert result.returncode == 0, result.stderr.decode()
    assert [one["id"] for one in lines(result.stdout)] == ["x"]


def test_predictions_can_be_kept(run, folder: Path) -> None:
    call = ("im-fuse", "--where", "id=x", "--keep", "--name", "both", "a.jsonl", "b.jsonl")
    (made,) = lines(run(*call, cwd=folder).stdout)
    assert fused_scores(made) == [
        ("mel@1a", "cel", 0.2), ("mel@1a", "flu", 0.5), ("w@0", "cel", 0.9), ("cqt@2b", "cel", 0.5),
        ("cqt@2b", "flu", 0.1), ("both", "cel", 0.35), ("both", "flu", 0.3),
    ]  # fmt: skip
    # Fused again, under the same name: what came out is replaced, not fused with the others.
    again = run(*call[:-2], "-", stdin=json.dumps(made).encode() + b"\n", cwd=folder)
    assert again.returncode == 0, again.stderr.decode()
    assert fused_scores(lines(again.stdout)[0]) == fused_scores(made)
    other = ("--name", "third", "--model", "cqt", "--model", "both")
    other = run("im-fuse", *other, "-", stdin=json.dumps(made).encode() + b"\n", cwd=folder)
    assert fused_scores(lines(other.stdout)[0])[0] == ("third", "cel", 0.425)


def test_thresholds_decide(run, folder: Path) -> None:
    own = limits(mel_1a={"cel": 0.3, "flu": 0.5}, cqt_2b={"cel": 0.4, "flu": 0.1})
    own.save(folder / "limits.json")
    inputs = ("--where", "id=y", "a.jsonl", "b.jsonl")
    (made,) = lines(
        run("im-fuse", "--rule", "all", "--thresholds", "limits.json", *inputs, cwd=folder).stdout
    )
    assert [(p["label"], p["score"], p["present"]) for p in made["predictions"]] == [
        ("cel", 0.571429, True),  # .5 + .5 * .1 / .7, as against .5 + .5 * .4 / .6
        ("flu", 0.499999, False),  # both equal their thresholds
    ]
    (made,) = lines(
        run("im-fuse", "--rule", "vote", "--thresholds", "limits.json", *inputs, cwd=folder).stdout
    )
    assert [(p["score"], p["present"]) for p in made["predictions"]] == [(1.0, True), (1.0, True)]
    (made,) = lines(run("im-fuse", "--rule", "vote", "-t", "0.5", *inputs, cwd=folder).stdout)
    assert [(p["score"], p["present"]) for p in made["predictions"]] == [(0.5, False), (0.5, False)]


def test_a_torn_line_in_another_input_counts_as_failed(run, folder: Path) -> None:
    whole = (folder / "b.jsonl").read_bytes()
    (folder / "b.jsonl").write_bytes(whole + whole[:40])
    result = run("im-fuse", "--partial", "a.jsonl", "b.jsonl", cwd=folder)
    assert result.returncode == 3
    assert b"3 items ok, 2 failed" in result.stderr  # it, and v
    (folder / "b.jsonl").write_bytes(whole + whole.splitlines(keepends=True)[0])
    result = run("im-fuse", "--where", "id=y", "a.jsonl", "b.jsonl", cwd=folder)
    assert b"id 'y' appears more than once" in result.stderr
    assert b"1 item ok, 1 failed" in result.stderr


def test_a_resumed_run_notices_that_another_input_has_changed(run, folder: Path) -> None:
    call = ("im-fuse", "--name", "both", "-o", "out", "--where", "id=x", "a.jsonl", "b.jsonl")
    first = run(*call, cwd=folder)
    assert run(*call, "--resume", cwd=folder).stdout == first.stdout
    text = (folder / "b.jsonl").read_text().replace('"score":0.5}', '"score":0.6}')
    (folder / "b.jsonl").write_text(text)
    resumed = run(*call, "--resume", cwd=folder)
    assert b"the input has changed" in resumed.stderr
    assert fused_scores(lines(resumed.stdout)[0])[0] == ("both", "cel", 0.4)


def test_folds_are_fused_one_by_one(run, space: Path) -> None:
    result = run("im-fuse", "--by-fold", "--name", "combined", "mel.jsonl", "cqt.jsonl", cwd=space)
    assert result.returncode == 0, result.stderr.decode()
    mel, cqt = (
        {(p["model"].partition("#")[2], p["label"]): p["score"] for p in lines(text)[0]["predictions"]}
        for text in ((space / name).read_bytes() for name in ("mel.jsonl", "cqt.jsonl"))
    )
    made = {(model, label): score for model, label, score in fused_scores(lines(result.stdout)[0])}
    assert set(made) == {(f"combined#fold{k}", label) for k in (0, 1) for label in ("cla", "vio")}
    for (model, label), score in made.items():
        fold = model.partition("#")[2]
        assert score == pytest.approx((mel[fold, label] + cqt[fold, label]) / 2, abs=1e-6)


def test_one_stream_of_several_models_gives_what_their_manifests_give(run, space: Path) -> None:
    apart = run("im-fuse", "mel.jsonl", "modgd.jsonl", cwd=space)
    together = run("im-fuse", "-", stdin=(space / "ensemble.jsonl").read_bytes(), cwd=space)
    assert together.returncode == 0, together.stderr.decode()
    assert list(map(fused_scores, lines(together.stdout))) == list(map(fused_scores, lines(apart.stdout)))


def test_nothing_is_begun_before_it_is_clear_what_is_fused(run, space: Path, tmp_path: Path) -> None:
    for options in (["--weights", "1,2,3"], ["--rule", "max", "-t", "0.3"], ["--model", "vgg"]):
        result = run("im-fuse", "-o", str(tmp_path / "out"), *options, "ensemble.jsonl", cwd=space)
        assert result.returncode == 2
        assert not (tmp_path / "out").exists()


def test_models_that_the_first_record_lacks_are_fused_too(run, tmp_path: Path) -> None:
    three = {"a@1": {"cel": 0.1}, "b@2": {"cel": 0.2}, "c@3": {"cel": 0.6}}
    two = {model: three[model] for model in ("a@1", "b@2")}
    write_manifest(tmp_path / "in.jsonl", [record("x", two), record("y", three)])
    result = run("im-fuse", "--name", "all", "in.jsonl", cwd=tmp_path)
    assert result.returncode == 3
    assert b"record x: lacks predictions of c@3" in result.stderr
    assert [fused_scores(one) for one in lines(result.stdout)] == [[("all", "cel", 0.3)]]
    chosen = run("im-fuse", "--name", "all", "--model", "a", "--model", "b", "in.jsonl", cwd=tmp_path)
    assert chosen.returncode == 0
    assert [fused_scores(one) for one in lines(chosen.stdout)] == [[("all", "cel", 0.15)]] * 2
    late = [record(f"x{k}", two) for k in range(1024)] + [record("y", three)]
    write_manifest(tmp_path / "late.jsonl", late)
    result = run("im-fuse", "--name", "all", "late.jsonl", cwd=tmp_path)
    assert result.returncode == 0
    assert b"warning: predictions of c@3 are left out" in result.stderr
    chosen = run("im-fuse", "--model", "a", "--model", "b", "late.jsonl", cwd=tmp_path)
    assert b"warning" not in chosen.stderr


def test_a_class_with_two_scores_fails_its_item(run, folder: Path) -> None:
    # u and v are in one input only; that y is nothing in b.jsonl leaves that in a.jsonl without the other.
    for name, bad, failed in (("a.jsonl", "x", 3), ("b.jsonl", "y", 4)):
        text = (folder / name).read_text()
        made = lines(text.encode())
        for one in made:
            if one["id"] == bad:
                one["predictions"].append(one["predictions"][0] | {"score": 0.9})
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in made))
        result = run("im-fuse", "a.jsonl", "b.jsonl", cwd=folder)
        assert result.returncode == 3
        assert f"record {bad}: model".encode() in result.stderr
        assert b"gives class cel 2 scores" in result.stderr
        assert f"1 item ok, {failed} failed".encode() in result.stderr
        assert [one["id"] for one in lines(result.stdout)] == [{"x": "y", "y": "x"}[bad]]
        (folder / name).write_text(text)


def test_what_other_inputs_decide_is_kept(run, folder: Path) -> None:
    made = lines((folder / "b.jsonl").read_bytes())
    for one in made:
        one["predictions"][0]["present"] = one["predictions"][0]["score"] > 0.6
    (folder / "b.jsonl").write_text("".join(json.dumps(one) + "\n" for one in made))
    result = run("im-fuse", "--partial", "--keep", "a.jsonl", "b.jsonl", cwd=folder)
    kept = {
        one["id"]: [p.get("present") for p in one["predictions"] if p["model"] == "cqt@2b"]
        for one in lines(result.stdout)
    }
    assert kept == {"x": [False, None], "u": [], "y": [True, None]}
