"""The methods there are, the paper's first."""

from __future__ import annotations

from derm_model.net.saliency.gradients import GRADIENT
from derm_model.net.saliency.method import Method

METHODS: dict[str, Method] = {method.id: method for method in (GRADIENT,)}
