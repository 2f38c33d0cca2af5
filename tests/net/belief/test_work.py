"""What holds for all tests and every method: progress, cancelling, seeds, and a shared network left alone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from derm_model.errors import Cancelled, DermTreeError
from derm_model.net import belief
from derm_model.net.belief.moves import MOVES
from derm_model.net.saliency import Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Method, Settings
from derm_model.net.saliency.methods import METHODS
from derm_model.progress import Progress
from tests.net.belief.networks import SIDE, fixed
from tests.support import noise_image

IMAGE = noise_image(1, 80, 110)
QUICK = Settings(samples=2, steps=2, masks=4, patch_px=48)
TESTS: dict[str, Callable[..., Any]] = {
    "randomisation": belief.randomisation,
    "deletion": belief.deletion,
    "insertion": belief.insertion,
    "stability": belief.stability,
    "class_sensitivity": belief.class_sensitivity,
}
each_test = pytest.mark.parametrize("name", TESTS)


def run(name: str, explainer: Explainer, method: Method = METHODS["gradient"], **options: Any) -> Any:
    return TESTS[name](explainer, IMAGE, method, Target.predicted(), options.pop("settings", QUICK), **options)


@each_test
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_can_be_tested_and_leaves_the_shared_network_as_it_was(
    tiny: Explainer, name: str, method: Method
) -> None:
    network = tiny.engine.network
    before, random = copy.deepcopy(network.state_dict()), (torch.get_rng_state(), np.random.get_state()[1].copy())  # noqa: NPY002
    assert run(name, tiny, method).reading
    assert not tiny.engine._lock.locked()
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
    for module in network.modules():
        assert not module._forward_hooks and not module._backward_hooks and not module._forward_pre_hooks
        assert not module.training
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert torch.equal(torch.get_rng_state(), random[0])
    np.testing.assert_array_equal(np.random.get_state()[1], random[1])  # noqa: NPY002


@each_test
@pytest.mark.parametrize("method", ["gradient", "occlusion"])
def test_progress_rises_to_its_total(tiny: Explainer, name: str, method: str) -> None:
    seen: list[Progress] = []
    run(name, tiny, METHODS[method], report=seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[0] == 0
    assert {progress.total for progress in seen} == {done[-1]}
    assert len({progress.stage for progress in seen}) == 1


@each_test
def test_what_a_test_costs_is_said_beforehand(tiny: Explainer, name: str) -> None:
    for method in (METHODS["gradient"], METHODS["occlusion"]):
        seen: list[Progress] = []
        run(name, tiny, method, report=seen.append)
        own = method.cost(QUICK, SIDE).passes
        cost = belief.costs(tiny, method, QUICK)[name]  # type: ignore[index]
        assert cost.passes == seen[-1].done - own


@each_test
def test_the_costs_are_what_the_network_in_fact_sees(
    tiny: Explainer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = Explainer.scaled_logits

    def counted(self: Explainer, unit: torch.Tensor) -> torch.Tensor:
        asked.append(len(unit))
        return original(self, unit)

    known = tiny.explain(IMAGE, METHODS["gradient"], Target.predicted(), QUICK)
    monkeypatch.setattr(Explainer, "scaled_logits", counted)
    run(name, tiny, known=known)
    settling = 1 if name != "class_sensitivity" else 2  # the predicted class, and the order of the others
    assert sum(asked) - settling == belief.costs(tiny, METHODS["gradient"], QUICK)[name].passes  # type: ignore[index]


@each_test
def test_a_test_stops_between_any_two_steps_and_frees_the_engine(tiny: Explainer, name: str) -> None:
    seen: list[Progress] = []
    run(name, tiny, report=seen.append)
    for stop in (0, 1, len(seen) // 2, len(seen) - 1):
        left = [stop]

        def stopping(progress: Progress, left: list[int] = left) -> None:
            if not left[0]:
                raise Cancelled("stopped")
            left[0] -= 1

        with pytest.raises(Cancelled):
            run(name, tiny, report=stopping)
        assert not tiny.engine._lock.locked()


@each_test
def test_a_map_that_is_known_is_not_made_again_and_changes_nothing(tiny: Explainer, name: str) -> None:
    settings = replace(QUICK, seed=3)
    method = METHODS["gradient"]
    known = tiny.explain(IMAGE, method, Target.predicted(), settings)
    runs: list[None] = []

    def counted(*args: Any) -> Any:
        runs.append(None)
        return method.run(*args)

    with_it = run(name, tiny, replace(method, run=counted), settings=settings, known=known)
    n_with = len(runs)
    without = run(name, tiny, replace(method, run=counted), settings=settings)
    assert len(runs) - n_with == n_with + 1
    assert with_it.reading == without.reading


@each_test
def test_an_image_without_a_map_is_refused_and_said_why(tiny: Explainer, name: str) -> None:
    with pytest.raises(DermTreeError, match="Only a map can be tested"):
        run(name, tiny, fixed(np.zeros((SIDE, SIDE))))


@each_test
def test_the_engine_is_free_whenever_progress_is_told(tiny: Explainer, name: str) -> None:
    def report(progress: Progress) -> None:
        assert not tiny.engine._lock.locked()

    run(name, tiny, report=report)


def test_there_are_small_rotations_and_crops() -> None:
    assert {move.angle_deg for move in MOVES if move.kind == "rotation"} == {-15, -10, -5, 5, 10, 15}
    assert {move.side for move in MOVES if move.kind == "crop"} == {0.8, 0.9}
    assert len({move.name for move in MOVES}) == len(MOVES)
