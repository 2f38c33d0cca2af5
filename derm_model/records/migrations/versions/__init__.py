"""One module per revision. A released one is never changed: what it made is in databases already."""
