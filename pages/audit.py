"""Who did what when: the audit log, whether it holds, and a table of it to take away. Works alone."""

from __future__ import annotations

from derm_model.access import Right
from derm_model.errors import RecordsError
from pages.ui import frame
from pages.ui.audit import entries, verifying

frame.open_page(
    "Audit log",
    "Who opened, read, saved, exported, deleted or changed what, and when; an entry is never changed.",
    Right.AUDIT,
)
try:
    verifying.draw_verifying()
    entries.draw_entries()
except RecordsError as error:
    entries.draw_trouble(error)
