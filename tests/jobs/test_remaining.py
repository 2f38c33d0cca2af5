"""The estimate of the time left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.jobs.remaining import WINDOW_S, Remaining, in_words
from derm_model.progress import Progress


def after(*reports: tuple[float, int], total: int | None = 1000, stage: str = "Reading") -> Remaining:
    remaining = Remaining()
    for now, done in reports:
        remaining.add(Progress(stage, done, total), now)
    return remaining


@given(speed=st.floats(0.1, 1e4), seconds=st.integers(3, 300))
def test_at_a_steady_speed_the_estimate_is_exact(speed: float, seconds: int) -> None:
    total = 10**9
    remaining = Remaining()
    for now in range(seconds + 1):
        remaining.add(Progress("Reading", int(1e6 * speed * now), total), float(now))
    left = (total - int(1e6 * speed * seconds)) / (1e6 * speed)
    assert remaining.seconds(float(seconds)) == pytest.approx(max(left, 0.0), rel=1e-3)


def test_nothing_is_guessed_before_there_is_a_speed() -> None:
    assert Remaining().seconds(0) is None
    assert after((0, 0), (1, 50)).seconds(1) is None  # too early
    assert after((0, 0), (9, 0)).seconds(9) is None  # nothing finished
    assert after((0, 0), (9, 90), total=None).seconds(9) is None


def test_what_an_earlier_run_finished_is_no_speed() -> None:
    assert after((0, 900), (10, 910)).seconds(10) == pytest.approx(90)


def test_only_the_recent_speed_counts() -> None:
    fast_then_slow = [(float(t), 10 * t) for t in range(50)] + [(50.0 + t, 490 + t) for t in range(100)]
    assert after(*fast_then_slow).seconds(149) == pytest.approx(411, rel=0.05)


def test_the_estimate_grows_while_nothing_is_reported() -> None:
    remaining = after((0, 0), (10, 100))
    assert remaining.seconds(10) == pytest.approx(90)
    assert remaining.seconds(20) == pytest.approx(180)


def test_a_new_stage_begins_anew() -> None:
    remaining = after((0, 0), (10, 100))
    remaining.add(Progress("Comparing", 0, 1000), 10)
    assert remaining.seconds(10) is None
    remaining.add(Progress("Comparing", 500, 1000), 20)
    assert remaining.seconds(20) == pytest.approx(10)


def test_a_stage_that_is_done_takes_no_more_time() -> None:
    assert after((0, 0), (1, 1000)).seconds(1) == 0


def test_memory_does_not_grow_with_the_number_of_reports() -> None:
    remaining = after(*((i / 100, i) for i in range(20_000)), total=10**6)
    assert len(remaining._samples) < 2 + WINDOW_S / 0.25


@pytest.mark.parametrize(
    "seconds, words",
    [
        (None, ""),
        (0.0, "less than 10 s"),
        (44.0, "40 s"),
        (89.0, "90 s"),
        (95.0, "2 min"),
        (3540.0, "59 min"),
        (3599.0, "1 h 0 min"),
        (4800.0, "1 h 20 min"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words


def test_work_that_knows_how_long_it_takes_is_believed() -> None:
    remaining = Remaining()
    remaining.add(Progress("Training", 1, 100, "steps", remaining_s=500.0), now=10.0)
    assert remaining.seconds(now=10.0) == 500.0
    assert remaining.seconds(now=40.0) == 470.0
    assert remaining.seconds(now=1000.0) == 0.0
