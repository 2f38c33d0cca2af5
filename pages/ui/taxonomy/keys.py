"""Keys of widgets on the Taxonomy page; those of the second partition to compare end in `_b`."""

from __future__ import annotations

TAXONOMY_SECTION = "taxonomy_section"
TAXONOMY_NODE = "taxonomy_node"
TAXONOMY_SEARCH = "taxonomy_search"
TAXONOMY_TREE = "taxonomy_tree"
TAXONOMY_COUNTS = "taxonomy_counts"
TAXONOMY_SETS = "taxonomy_sets"
TAXONOMY_LIMIT = "taxonomy_limit"
TAXONOMY_RULE = "taxonomy_rule"
TAXONOMY_LAB = "taxonomy_lab"
TAXONOMY_IMAGE = "taxonomy_image"
TAXONOMY_FILE = "taxonomy_file"
TAXONOMY_NAME = "taxonomy_name"
TAXONOMY_OWN = "taxonomy_own"
TAXONOMY_WORKSPACE = "taxonomy_workspace"
TAXONOMY_DELETING = "taxonomy_deleting"
