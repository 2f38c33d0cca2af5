"""Keys of widgets on the Saliency page; those of the methods' settings are `saliency_setting(name)`."""

from __future__ import annotations

SALIENCY_KIND = "saliency_kind"
SALIENCY_CLASS = "saliency_class"
SALIENCY_QUESTION = "saliency_question"
SALIENCY_NODE = "saliency_node"
SALIENCY_OTHER = "saliency_other"
SALIENCY_LABEL = "saliency_label"
SALIENCY_OF = "saliency_of"
SALIENCY_METHODS = "saliency_methods"
SALIENCY_MAPS = "saliency_maps"
SALIENCY_MASK = "saliency_mask"
SALIENCY_SECTION = "saliency_section"
SALIENCY_TESTED = "saliency_tested"
SALIENCY_REGION = "saliency_region"
SALIENCY_FILL = "saliency_fill"
SALIENCY_FOLLOWED = "saliency_followed"
SALIENCY_MANY_FROM = "saliency_many_from"
SALIENCY_MANY_METHOD = "saliency_many_method"
SALIENCY_MANY_IMAGES = "saliency_many_images"
SALIENCY_MANY_SEED = "saliency_many_seed"
SALIENCY_BATCH_EXPLAINED = "saliency_batch_explained"


def saliency_setting(name: str) -> str:
    """Key of the widget of one setting of the methods of explaining."""
    return f"saliency_setting_{name}"
