"""Sensitivity to the choice of class: which classes are compared, and what equal and opposite maps look like."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from derm_model.net.belief import class_sensitivity, root_targets
from derm_model.net.saliency import Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Raw
from derm_model.net.saliency.methods import METHODS
from derm_model.taxonomy import Aggregator, Taxonomy
from tests.net.belief.networks import SIDE, fixed, method
from tests.support import noise_image

IMAGE = noise_image(1)
VALUES = np.random.default_rng(0).random((SIDE, SIDE))


def test_the_map_in_question_comes_first_and_then_the_most_probable_other_classes(tiny: Explainer) -> None:
    probs = tiny.logits(tiny.unit(IMAGE)).softmax(1)[0].numpy()
    order = [int(i) for i in np.argsort(-probs)]
    for target, own in ((Target.predicted(), (order[0],)), (Target.of_class(order[5]), (order[5],))):
        found = class_sensitivity(tiny, IMAGE, fixed(VALUES), target)
        classes = [*own, *[i for i in order if i not in own][:3]]
        assert found.labels == tuple(tiny.bundle.classes[i].name for i in classes)
        np.testing.assert_allclose(found.probabilities, probs[classes])


def test_a_map_that_ignores_the_class_says_where_and_not_why(tiny: Explainer) -> None:
    found = class_sensitivity(tiny, IMAGE, fixed(VALUES), Target.predicted())
    assert found.same
    np.testing.assert_allclose(found.ranks, 1)
    assert found.signed_ranks is None
    assert "not why" in found.reading


def test_maps_of_each_class_its_own_are_told_apart(tiny: Explainer) -> None:
    def run(explainer: Explainer, unit: torch.Tensor, target: Target, *_: object) -> Raw:
        return Raw(torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(target.positive[0])))

    found = class_sensitivity(tiny, IMAGE, method(run), Target.predicted())
    assert found.same is False
    assert np.abs(found.pairs).max() < 0.1
    np.testing.assert_allclose(found.ranks, found.ranks.T)


def test_what_speaks_for_one_class_and_against_the_other_has_one_strength_and_two_signs(tiny: Explainer) -> None:
    """Two sides of one question: the gradient of a score is that of the other side with its sign turned."""
    one, other = Target((0,), (1,), "one"), Target((1,), (0,), "other")
    one, other = (Target(t.positive, t.negative, t.label, "score") for t in (one, other))
    found = class_sensitivity(tiny, IMAGE, METHODS["input_x_gradient"], one, others=[other])
    assert found.labels == ("one", "other")
    assert found.ranks[0, 1] == pytest.approx(1, abs=1e-3)
    assert found.signed_ranks is not None
    assert found.signed_ranks[0, 1] == pytest.approx(-1, abs=1e-3)
    assert found.probabilities.sum() == pytest.approx(1)


def test_a_class_without_a_map_is_not_compared(tiny: Explainer) -> None:
    top = int(tiny.logits(tiny.unit(IMAGE))[0].argmax())

    def run(explainer: Explainer, unit: torch.Tensor, target: Target, *_: object) -> Raw:
        generator = torch.Generator().manual_seed(0)
        return Raw(torch.rand(SIDE, SIDE, generator=generator) * (target.positive == (top,)))

    found = class_sensitivity(tiny, IMAGE, method(run), Target.predicted())
    assert found.same is None
    assert np.isnan(found.ranks[1:]).all()
    assert "cannot be compared" in found.reading


def test_the_roots_of_the_taxonomy_can_be_compared(tiny: Explainer, taxonomy: Taxonomy) -> None:
    aggregator = Aggregator(taxonomy, tiny.bundle.classes)
    own, *others = root_targets(taxonomy, aggregator)
    found = class_sensitivity(tiny, IMAGE, METHODS["gradient"], own, others=others)
    probs = tiny.logits(tiny.unit(IMAGE)).softmax(1)[0].numpy()
    roots = [root for root in taxonomy.cut(1) if aggregator.class_indices(root)]
    assert found.labels == tuple(taxonomy.node(root).name for root in roots)
    np.testing.assert_allclose(found.probabilities, [aggregator.probability(probs, root) for root in roots])
