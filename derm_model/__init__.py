"""DermTree: an Inception v3 whose class probabilities are summed up a taxonomy of skin diseases.

The science lives here, without a user interface. Importing this package imports nothing else.
"""

__version__ = "0.1.0"
