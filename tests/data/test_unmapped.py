"""Labels that the crosswalk has to know, read from a table."""

from __future__ import annotations

import pytest

from derm_model.data.unmapped import read_labels
from derm_model.errors import CrosswalkError


def test_a_table_of_labels_needs_its_columns() -> None:
    assert read_labels(b"\xef\xbb\xbfsource, diagnosis,x\nA,b,1\nA,,2\n") == [("A", "b")]
    for content in (b"a,b\n1,2\n", b"source,diagnosis\n", b"\xff\xfe\x00"):
        with pytest.raises(CrosswalkError):
            read_labels(content)


def test_a_row_whose_node_is_known_needs_no_label() -> None:
    assert read_labels(b"source,node,diagnosis\nA,,b\nA,melanoma,odd\n") == [("A", "b")]
    assert read_labels(b"source,node,diagnosis\nA,melanoma,odd\n") == []
