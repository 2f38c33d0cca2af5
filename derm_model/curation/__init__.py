"""The workspace in which a collection of images is curated: import, duplicates, quality, splits; all on disk."""
