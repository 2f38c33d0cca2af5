"""From files to records and pixels: manifests, splits, decoding, quality checks, example drawings."""
