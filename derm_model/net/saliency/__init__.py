"""Which pixels an answer depends on: the paper's map, the other methods of the field, and what they explain."""

from derm_model.net.saliency.maps import SaliencyMap, saliency_map
from derm_model.net.saliency.paper import Explained, explain
from derm_model.net.saliency.target import GRADIENT_OF, Of, Target

__all__ = ["GRADIENT_OF", "Explained", "Of", "SaliencyMap", "Target", "explain", "saliency_map"]
