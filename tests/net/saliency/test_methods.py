"""What all methods owe to the network they share: nothing left on it, small steps, progress, and clear refusals."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from derm_model.errors import Cancelled, DermTreeError
from derm_model.net.saliency.explainer import MAX_BATCH, MAX_FORWARD_BATCH, Explainer
from derm_model.net.saliency.maps import SaliencyMap
from derm_model.net.saliency.method import Cost, Method, Pace, Settings
from derm_model.net.saliency.methods import METHODS
from derm_model.net.saliency.target import Target
from derm_model.progress import Progress
from derm_model.taxonomy import Taxonomy
from tests.net.saliency.networks import QUICK, SIDE, Counting, make_explainer, noise_pixels, noise_unit, run

every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
TARGET = Target.of_class(2)


@pytest.fixture(scope="module")
def shared(small_bundle: Path, taxonomy: Taxonomy) -> Explainer:
    """One engine for all: what a method leaves behind the next one finds."""
    return make_explainer(small_bundle, taxonomy)


def hooks_of(network: nn.Module) -> list[str]:
    """Names of all hooks on modules and parameters."""
    found = []
    for name, thing in (*network.named_modules(), *network.named_parameters()):
        found += [f"{name}.{kind}" for kind in vars(thing) if kind.endswith("_hooks") and vars(thing)[kind]]
        found += [f"{name}.tensor" for _ in (thing._backward_hooks or {}) if isinstance(thing, Tensor)]
    return found


def live_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())


@pytest.fixture
def untouched(shared: Explainer) -> Iterator[None]:
    """Whatever the test does, the engine is afterwards as it was."""
    network = shared.engine.network
    weights = {name: (value.data_ptr(), value.clone()) for name, value in network.state_dict().items()}
    chance, tensors = torch.get_rng_state(), live_tensors()
    yield
    assert live_tensors() == tensors
    assert torch.equal(torch.get_rng_state(), chance)
    assert not hooks_of(network)
    assert all(p.grad is None and not p.requires_grad for p in network.parameters())
    assert not any(module.training for module in network.modules())
    for name, value in network.state_dict().items():
        assert value.data_ptr() == weights[name][0]
        assert torch.equal(value, weights[name][1])
    assert torch.is_grad_enabled()
    assert shared.engine._lock.acquire(blocking=False)
    shared.engine._lock.release()


def test_a_hook_would_be_found() -> None:
    layer = nn.Linear(2, 2)
    assert not hooks_of(layer)
    handles = [layer.register_forward_hook(lambda *_: None), layer.weight.register_hook(lambda g: g)]
    assert len(hooks_of(nn.Sequential(layer))) == len(handles)


def test_the_paper_s_map_comes_first() -> None:
    assert next(iter(METHODS)) == "gradient"
    assert all(id == method.id for id, method in METHODS.items())


@every_method
def test_a_method_says_whose_it_is_what_it_means_and_what_it_reads(method: Method) -> None:
    assert any(char.isdigit() for char in method.paper)
    assert method.meaning.endswith(".")
    assert set(method.settings) <= set(Settings.__dataclass_fields__)


@every_method
def test_a_method_leaves_nothing_on_the_shared_network(shared: Explainer, method: Method, untouched: None) -> None:
    found = shared.explain(noise_pixels(), method, Target.predicted(), QUICK)
    assert found is not None
    assert found.values.shape == (SIDE, SIDE)
    assert (found.values >= 0).all()
    assert found.values.dtype == np.float32


@every_method
def test_a_method_that_was_cancelled_leaves_nothing_either(shared: Explainer, method: Method, untouched: None) -> None:
    reports: list[Progress] = []

    def stop(progress: Progress) -> None:
        reports.append(progress)
        if len(reports) == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        shared.explain(noise_pixels(), method, TARGET, QUICK, stop)
    assert len(reports) == 2


@every_method
def test_a_method_that_failed_in_the_middle_leaves_nothing_either(
    shared: Explainer, method: Method, untouched: None
) -> None:
    class Broken(nn.Module):
        def __init__(self, of: nn.Module) -> None:
            super().__init__()
            self.of = of

        def features(self, x: Tensor) -> Tensor:
            return self.of.features(x)

        def head(self, features: Tensor) -> Tensor:
            raise RuntimeError("no head")

        def blocks(self) -> list[nn.ModuleList]:
            return self.of.blocks()

    with pytest.raises(RuntimeError, match="no head"):
        run(shared.with_network(Broken(shared.network)), method, noise_unit(), TARGET)


@every_method
def test_progress_counts_the_passes_that_were_announced(shared: Explainer, method: Method) -> None:
    reports: list[Progress] = []
    run(shared, method, noise_unit(), TARGET, QUICK, reports.append)
    assert {(p.stage, p.total, p.unit) for p in reports} == {(method.name, method.cost(QUICK, SIDE).passes, "passes")}
    done = [p.done for p in reports]
    assert done[0] == 0
    assert done[-1] == reports[-1].total
    assert done == sorted(set(done))


@every_method
def test_steps_are_small_and_cost_what_was_announced(shared: Explainer, method: Method) -> None:
    seen: list[tuple[int, bool]] = []
    run(shared.with_network(Counting(shared.network, seen)), method, noise_unit(), TARGET)
    assert max([n for n, graph in seen if graph], default=0) <= MAX_BATCH
    assert max([n for n, graph in seen if not graph], default=0) <= MAX_FORWARD_BATCH
    backward = sum(n for n, graph in seen if graph)
    assert Cost(sum(n for n, _ in seen) - backward, backward) == method.cost(QUICK, SIDE)


@every_method
def test_the_engine_is_free_while_a_method_reports(shared: Explainer, method: Method) -> None:
    free: list[bool] = []

    def look(progress: Progress) -> None:
        free.append(shared.engine._lock.acquire(blocking=False))
        if free[-1]:
            shared.engine._lock.release()

    run(shared, method, noise_unit(), TARGET, QUICK, look)
    assert free and all(free)


def test_an_answer_comes_between_two_steps_of_a_long_method(shared: Explainer) -> None:
    done: list[int] = []
    settings = Settings(masks=2000)
    work = threading.Thread(
        target=run, args=(shared, METHODS["rise"], noise_unit(), TARGET, settings, lambda p: done.append(p.done))
    )
    work.start()
    while len(done) < 3:
        time.sleep(0.001)
    shared.engine.predict([noise_pixels()])
    assert done[-1] < settings.masks / 2
    work.join()
    assert done[-1] == settings.masks + 1


def test_methods_at_work_at_the_same_time_give_the_maps_they_give_alone(shared: Explainer) -> None:
    def explain(method: Method) -> SaliencyMap:
        found = shared.explain(noise_pixels(), method, TARGET, QUICK)
        assert found is not None
        return found

    alone = {method.id: explain(method) for method in METHODS.values()}
    together: dict[str, list[SaliencyMap]] = {id: [] for id in METHODS}
    start = threading.Barrier(len(METHODS))

    def work(method: Method) -> None:
        start.wait()
        together[method.id] += [explain(method) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(method,)) for method in METHODS.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for id, maps in together.items():
        assert len(maps) == 3, id
        for found in maps:
            assert np.allclose(found.values, alone[id].values, rtol=1e-5, atol=1e-7 * alone[id].values.max()), id
    assert not hooks_of(shared.engine.network)


@every_method
def test_what_no_pixel_changes_has_no_map(shared: Explainer, method: Method) -> None:
    everything = Target(tuple(range(len(shared.bundle.classes))))
    assert shared.explain(noise_pixels(), method, everything, QUICK) is None


@every_method
def test_a_map_says_its_method_and_what_it_explains(shared: Explainer, method: Method) -> None:
    found = shared.explain(noise_pixels(), method, Target.of_class(0), QUICK)
    if found is None:  # Grad-CAM knows only what speaks for it
        assert method.id.endswith("grad_cam")
        return
    assert found.label == shared.bundle.classes[0].name
    assert found.method == method.title(Target.of_class(0))
    assert (found.signed is not None) == (
        method.id in ("input_x_gradient", "integrated_gradients", "occlusion", "rise")
    )


@pytest.mark.parametrize(
    "wrong, what",
    [
        ({"samples": 1}, "at least 2, not 1"),
        ({"steps": 0}, "number of steps"),
        ({"masks": -3}, "at least 2, not -3"),
        ({"noise": 0.0}, "above 0"),
        ({"noise": 1.5}, "not 1.5"),
        ({"noise": float("nan")}, "not nan"),
        ({"baseline": "white"}, "black, blurred, skin, not 'white'"),
        ({"patch_px": 0}, "at least 1 px"),
        ({"seed": -1}, "not -1"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object], what: str) -> None:
    with pytest.raises(DermTreeError, match=what):
        Settings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("id", ["grad_cam", "guided_grad_cam"])
def test_a_block_the_network_lacks_is_refused(shared: Explainer, id: str) -> None:
    with pytest.raises(DermTreeError, match=r"'Mixed_9x'.* Choose one of Block 1, Block 2"):
        shared.explain(noise_pixels(), METHODS[id], TARGET, Settings(block="Mixed_9x"))


def test_a_patch_larger_than_the_image_is_refused(shared: Explainer) -> None:
    settings = Settings(patch_px=SIDE + 1)
    with pytest.raises(DermTreeError, match=f"{SIDE} px a side"):
        shared.explain(noise_pixels(), METHODS["occlusion"], TARGET, settings)
    with pytest.raises(DermTreeError, match="smaller patch"):
        METHODS["occlusion"].cost(settings, SIDE)


def test_the_time_of_a_method_is_estimated_from_a_measured_pace(shared: Explainer) -> None:
    pace = shared.pace(noise_unit())
    assert 0 < pace.forward_s < pace.backward_s
    assert Cost(forward=10, backward=4).seconds(Pace(0.5, 2.0)) == 13
