"""Learning rates and early stopping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imtools.errors import UsageError
from imtools.train.protocol.schedule import Schedule, best_epoch

FALLING = [1 / (i + 1) for i in range(3)]


def test_decay_follows_the_paper() -> None:
    schedule = Schedule("decay", 1e-4, 9)
    assert schedule.rate(3.5, FALLING) == pytest.approx(1e-4 * 0.9**3)
    flat = [*FALLING, *[0.5] * 5]
    assert Schedule("decay", 1.0, 9).rate(8, flat) == pytest.approx(0.9**8 * 0.1)
    assert Schedule("decay", 1.0, 9).rate(7, flat[:-1]) == pytest.approx(0.9**7)
    assert not schedule.stops([])
    assert not schedule.stops([*FALLING, *[0.5] * 6])
    assert schedule.stops([*FALLING, *[0.5] * 7])


def test_a_constant_rate_falls_on_plateaus_alone() -> None:
    """Avramidis et al. (2021), section 4.1."""
    schedule = Schedule("decay", 1e-3, 50, decay=1.0, reduce_patience=4, reduce_factor=0.9, stop_patience=7)
    assert schedule.rate(3, FALLING) == pytest.approx(1e-3)
    assert schedule.rate(6, [*FALLING, *[0.5] * 3]) == pytest.approx(1e-3)
    assert schedule.rate(7, [*FALLING, *[0.5] * 4]) == pytest.approx(0.9e-3)
    # Each reduction starts the waiting anew, and so does a better loss.
    assert schedule.rate(10, [*FALLING, *[0.5] * 7]) == pytest.approx(0.9e-3)
    assert schedule.rate(11, [*FALLING, *[0.5] * 8]) == pytest.approx(0.81e-3)
    assert schedule.rate(11, [*FALLING, *[0.5] * 3, 0.1, *[0.5] * 4]) == pytest.approx(0.9e-3)


def test_patience_of_0_never_acts() -> None:
    schedule = Schedule("decay", 1.0, 99, decay=1.0, reduce_patience=0, stop_patience=0)
    losses = [0.1, *[0.5] * 60]
    assert schedule.rate(61, losses) == 1.0
    assert not schedule.stops(losses)


def test_onecycle_goes_up_and_down_once() -> None:
    schedule = Schedule("onecycle", 2.0, 10)
    rates = [schedule.rate(e / 10, []) for e in range(101)]
    top = int(np.argmax(rates))
    assert top == 30
    assert rates[top] == pytest.approx(2.0)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[0] == pytest.approx(2.0 / 25)
    assert rates[-1] < 1e-3


def test_cosine_rises_linearly_and_falls_to_0() -> None:
    schedule = Schedule("cosine", 2.0, 12, warm_up=2.0)
    assert [schedule.rate(e, []) for e in (0, 0.5, 1, 2)] == pytest.approx([0, 0.5, 1, 2])
    # A quarter, half, three quarters and the whole of half a cosine.
    found = [schedule.rate(e, []) for e in (4.5, 7, 9.5, 12)]
    assert found == pytest.approx([1 + 0.5**0.5, 1.0, 1 - 0.5**0.5, 0.0])
    assert schedule.rate(13, []) == 0.0
    assert Schedule("cosine", 2.0, 12).rate(0, []) == 2.0


def test_decay_begins_after_the_warm_up() -> None:
    schedule = Schedule("decay", 1.0, 20, decay=0.5, reduce_patience=0, warm_up=1.5)
    falling = [1 / (i + 1) for i in range(20)]
    found = [schedule.rate(e, falling[: int(e)]) for e in (0, 0.75, 1.25, 1.5, 1.75, 2, 3)]
    assert found == pytest.approx([0, 0.5, 1.25 / 1.5, 1, 1, 0.5, 0.25])
    whole = Schedule("decay", 1.0, 20, decay=0.5, reduce_patience=0, warm_up=2.0)
    assert [whole.rate(e, falling[:e]) for e in (1, 2, 3)] == pytest.approx([0.5, 1, 0.5])


@pytest.mark.parametrize("kind", ["onecycle", "cosine"])
def test_only_decay_stops_early(kind: str) -> None:
    assert not Schedule(kind, 1.0, 99).stops([*FALLING, *[0.5] * 50])  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 10), max_size=30))
def test_best_epoch_is_the_first_lowest(losses: list[float]) -> None:
    assert best_epoch(losses) == (losses.index(min(losses)) if losses else -1)


@given(
    st.sampled_from(["decay", "onecycle", "cosine"]),
    st.lists(st.floats(0, 10), max_size=30),
    st.floats(0, 1),
)
def test_no_rate_is_above_the_peak_or_below_0(kind: str, losses: list[float], part: float) -> None:
    warm_up = 0.0 if kind == "onecycle" else 2.5
    schedule = Schedule(kind, 0.3, 31, warm_up=warm_up)  # type: ignore[arg-type]
    assert 0 <= schedule.rate(len(losses) + part, losses) <= 0.3 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "linear"}, "no schedule 'linear'.*decay, onecycle, cosine"),
        ({"peak": 0.0}, "learning rate of .* makes no sense"),
        ({"peak": float("nan")}, "learning rate of .* makes no sense"),
        ({"epochs": 0}, "0 epochs"),
        ({"decay": 0.0}, "decay of the learning rate by 0"),
        ({"decay": 1.1}, "1.1"),
        ({"reduce_factor": 2.0}, "reduction"),
        ({"reduce_patience": -1}, "patience of -1"),
        ({"stop_patience": -2}, "patience of -2"),
        ({"warm_up": -1.0}, "warm-up"),
        ({"warm_up": 9.0}, "warm-up of 9 epochs of 9"),
        ({"warm_up": 1.0, "kind": "onecycle"}, "its own warm-up"),
    ],
)
def test_settings_are_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Schedule(**({"kind": "decay", "peak": 1e-4, "epochs": 9} | wrong))  # type: ignore[arg-type]
