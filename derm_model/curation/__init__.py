"""The workspace in which one collection of images is curated: import, duplicates, quality, splits; all of it on disk."""
