"""Can a saliency map be believed? Four tests of the map of one image, for every method of explaining.

Results and how they are read stand in `derm_model.evaluation.belief`, without torch.
"""

from derm_model.evaluation.belief import ClassSensitivity, Moved, Perturbation, Randomisation, Stability, Stage
from derm_model.net.belief.class_sensitivity import class_sensitivity, root_targets
from derm_model.net.belief.costs import costs
from derm_model.net.belief.deletion import deletion, insertion
from derm_model.net.belief.randomisation import randomisation
from derm_model.net.belief.stability import stability

__all__ = [
    "ClassSensitivity",
    "Moved",
    "Perturbation",
    "Randomisation",
    "Stability",
    "Stage",
    "class_sensitivity",
    "costs",
    "deletion",
    "insertion",
    "randomisation",
    "root_targets",
    "stability",
]
