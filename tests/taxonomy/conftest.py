"""Random trees are tried without a deadline: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("taxonomy", deadline=None, database=None)
settings.load_profile("taxonomy")
