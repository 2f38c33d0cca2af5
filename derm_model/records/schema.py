"""All tables at once, for what compares or creates them."""

from __future__ import annotations

from sqlalchemy import MetaData

from derm_model.records import audit_table, case_tables, study_tables
from derm_model.records.tables import Base

TABLES = (case_tables, study_tables, audit_table)  # a module's tables are known once it is imported
METADATA: MetaData = Base.metadata
