"""The papers' trainings: that they are what the papers say, and that every model has one."""

from __future__ import annotations

from dataclasses import fields

import pytest

from imtools.errors import UsageError
from imtools.models.registry import ARCHITECTURES
from imtools.train import TrainConfig
from imtools.train.protocol.papers import PROTOCOLS, STATED, protocol_of

FIELDS = {
    "strategy", "division", "epochs", "batch_size", "learning_rate", "schedule", "decay", "reduce_patience",
    "reduce_factor", "stop_patience", "stop_precision", "weight_decay", "warm_up", "aggregation", "stereo",
    "keep",
}  # fmt: skip
VARIANTS = {
    "avramidis2021": [
        "bigru-128", "bigru-256", "bigru-128-64", "dcnn", "fcn", "rfcn", "crnn2", "crnn3", "crnn4", "crnn5",
    ],
    "lumen2023": ["mel", "modgd", "chroma"],
}  # fmt: skip


def test_every_model_has_a_protocol() -> None:
    for name in ARCHITECTURES:
        assert protocol_of(name).keys() == FIELDS
    for paper, variants in VARIANTS.items():
        for variant in variants:
            assert protocol_of(f"{paper}-{variant}") == PROTOCOLS[paper]
    for paper in PROTOCOLS:
        assert protocol_of(paper) == PROTOCOLS[paper]


def test_the_longest_name_wins_and_only_whole_names_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "lumen2023-chroma", {"epochs": 3})
    assert protocol_of("lumen2023-chroma") == {"epochs": 3}
    assert protocol_of("lumen2023-mel")["epochs"] == 40
    for wrong in ("vaznonis2022", "han20177", "han", ""):
        with pytest.raises(UsageError, match="choose from kratimenos2020"):
            protocol_of(wrong)


def test_a_caller_may_change_what_it_gets() -> None:
    protocol_of("han2017")["epochs"] = -1
    assert protocol_of("han2017")["epochs"] == PROTOCOLS["han2017"]["epochs"] > 0


def test_protocols_are_settings_of_a_training() -> None:
    assert {field.name for field in fields(TrainConfig)} >= FIELDS
    for paper, protocol in PROTOCOLS.items():
        config = TrainConfig(
            architecture="bosch2012" if paper == "bosch2012" else "kratimenos2020", **protocol
        )
        assert all(getattr(config, name) == value for name, value in protocol.items()), paper
        assert STATED[paper].items() <= protocol.items()


def test_figures_of_the_papers() -> None:
    expected = {
        # division, batch, rate, decay, patience before reducing and stopping
        "kratimenos2020": (5, 128, 1e-4, 0.9, 5, 7),
        "gururani2018": (5, 128, 1e-4, 0.9, 5, 7),
        "han2017": (0.15, 128, 1e-3, 1, 0, 3),
        "lumen2023": (0.15, 128, 1e-3, 1, 0, 0),
        "avramidis2021": (5, 64, 1e-3, 1, 4, 7),
    }
    names = ("division", "batch_size", "learning_rate", "decay", "reduce_patience", "stop_patience")
    for paper, figures in expected.items():
        assert tuple(PROTOCOLS[paper][name] for name in names) == figures, paper
    assert PROTOCOLS["avramidis2021"]["reduce_factor"] == 0.9
    chen = PROTOCOLS["chen2024"]
    assert (chen["division"], chen["epochs"], chen["stop_precision"]) == (0.2, 1000, 0.98)
    assert (PROTOCOLS["vaznonis2022-lstm"]["epochs"], PROTOCOLS["vaznonis2022-lstm"]["batch_size"]) == (15, 2)
    fft = PROTOCOLS["vaznonis2022-fft"]
    assert (fft["batch_size"], fft["learning_rate"]) == (4, 1e-4)
    assert fft["epochs"] > 75


def test_strategies_and_aggregation() -> None:
    strategies = {paper: protocol["strategy"] for paper, protocol in PROTOCOLS.items()}
    assert {p for p, s in strategies.items() if s == "single-label"} == {"han2017", "lumen2023"}
    assert {p for p, s in strategies.items() if s == "one-vs-all"} == {"chen2024"}
    assert {p for p, s in strategies.items() if s == "svm"} == {"bosch2012"}
    assert [p for p, protocol in PROTOCOLS.items() if protocol["aggregation"] == "s2"] == ["han2017"]
    assert [p for p, protocol in PROTOCOLS.items() if protocol["stop_precision"]] == ["chen2024"]
