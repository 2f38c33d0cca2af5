"""The duplicate graph: which images show one file, one picture, one lesion or one patient, and must stay together.

edges       what an edge is; reading and writing them          identity    edges that the records state
fingerprint what is read off one file                          perceptual  edges of nearly equal pictures, turned or not
exif        edges of shots of one camera within a short time   neighbours  edges of near features of the network
components  which edges count, and the groups they make        decisions   what a person decided about pairs
review      pairs to look at, and what a threshold does        grouping    all in one call, for training
"""

from derm_model.data.duplicates.components import GraphRules, components
from derm_model.data.duplicates.decisions import PairDecisions
from derm_model.data.duplicates.detail import MIN_CORRELATION, N_DETAIL, picture_detail
from derm_model.data.duplicates.edges import EDGE_KINDS, SIMILARITY_KINDS, EdgeKind
from derm_model.data.duplicates.grouping import groups

__all__ = [
    "EDGE_KINDS",
    "MIN_CORRELATION",
    "N_DETAIL",
    "SIMILARITY_KINDS",
    "EdgeKind",
    "GraphRules",
    "PairDecisions",
    "components",
    "groups",
    "picture_detail",
]
