"""What a row says its image shows, as a node of the taxonomy."""

from __future__ import annotations

from derm_model.data.problems import RowProblem
from derm_model.errors import CrosswalkError
from derm_model.taxonomy import Crosswalk, Taxonomy


class LabelReader:
    """Reads nodes and data-set labels; each distinct one is looked up once, however many rows have it."""

    def __init__(self, taxonomy: Taxonomy, crosswalk: Crosswalk) -> None:
        self._taxonomy = taxonomy
        self._crosswalk = crosswalk
        self._nodes: dict[str, str | None] = {}
        self._labels: dict[tuple[str, str], str | CrosswalkError | None] = {}

    def node(self, image_id: str, source: str, node: str | None, label: str | None) -> str:
        """Return the taxonomy id for a row; its node (an id, name or synonym) wins over its label.

        Raises
        ------
        RowProblem
            The node or label is unknown, stands for no node, or neither is given.
        """
        if node:
            found = self._find(node)
            if found is None:
                raise RowProblem("node is not in the taxonomy", f"{image_id}: {node}")
            return found
        if not label:
            raise RowProblem("neither node nor diagnosis", image_id)
        mapped = self._look_up(source, label)
        if isinstance(mapped, CrosswalkError):
            raise RowProblem("diagnosis unknown to the crosswalk", f"{image_id}: {mapped}")
        if mapped is None:
            raise RowProblem("diagnosis stands for no node", f"{image_id}: {source} {label}")
        return mapped

    def _find(self, node: str) -> str | None:
        if node not in self._nodes:
            self._nodes[node] = self._taxonomy.find(node)
        return self._nodes[node]

    def _look_up(self, source: str, label: str) -> str | CrosswalkError | None:
        key = (source, label)
        if key not in self._labels:
            try:
                self._labels[key] = self._crosswalk.node(source, label)
            except CrosswalkError as error:
                self._labels[key] = error
        return self._labels[key]
