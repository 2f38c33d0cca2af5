"""Parts of the reader study page."""
