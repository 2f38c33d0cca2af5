"""What each test costs, to tell a user beforehand: with a slow method some take hours."""

from __future__ import annotations

from typing import Literal

from derm_model.net.belief.class_sensitivity import N_OTHERS
from derm_model.net.belief.deletion import n_images
from derm_model.net.belief.moves import MOVES
from derm_model.net.belief.randomisation import stage_names
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Cost, Method, Settings

Test = Literal["randomisation", "deletion", "insertion", "stability", "class_sensitivity"]


def costs(explainer: Explainer, method: Method, settings: Settings | None = None) -> dict[Test, Cost]:
    """Images that pass through the network in each test with its defaults, the map in question being known."""
    one = method.cost(settings or Settings(), explainer.bundle.preprocessing.size_px)
    perturbed = Cost(forward=n_images())

    def maps(n: int, n_forward: int = 0) -> Cost:
        return Cost(n * one.forward + n_forward, n * one.backward)

    return {
        "randomisation": maps(len(stage_names(explainer))),
        "deletion": perturbed,
        "insertion": perturbed,
        "stability": maps(len(MOVES), len(MOVES) + 1),
        "class_sensitivity": maps(N_OTHERS),
    }
