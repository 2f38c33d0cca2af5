"""How older databases become the present one; run by `derm_model.records.migrating`."""
