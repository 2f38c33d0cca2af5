"""The methods there are, the paper's first."""

from __future__ import annotations

from derm_model.net.saliency.gradcam import GRAD_CAM, GUIDED_GRAD_CAM
from derm_model.net.saliency.gradients import GRADIENT, INPUT_X_GRADIENT
from derm_model.net.saliency.integrated import INTEGRATED_GRADIENTS
from derm_model.net.saliency.method import Method
from derm_model.net.saliency.noise import SMOOTHGRAD, VARGRAD
from derm_model.net.saliency.occlusion import OCCLUSION
from derm_model.net.saliency.rise import RISE

METHODS: dict[str, Method] = {
    method.id: method
    for method in (
        GRADIENT,
        INPUT_X_GRADIENT,
        SMOOTHGRAD,
        VARGRAD,
        INTEGRATED_GRADIENTS,
        GRAD_CAM,
        GUIDED_GRAD_CAM,
        OCCLUSION,
        RISE,
    )
}
