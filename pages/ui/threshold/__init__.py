"""Parts of the threshold desk."""
