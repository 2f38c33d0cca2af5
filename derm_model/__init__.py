"""DermTree: skin-lesion classification over a disease taxonomy. A research tool, not a medical device."""

__version__ = "0.1.0"
