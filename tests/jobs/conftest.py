"""Fixtures of the job tests."""

from tests.jobs.rehearsal import rehearsal, store

__all__ = ["rehearsal", "store"]
