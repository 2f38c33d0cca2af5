"""The Taxonomy page: explorer, partition lab, recursion step by step, comparison, inference, own taxonomies."""
