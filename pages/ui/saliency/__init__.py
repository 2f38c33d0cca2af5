"""Parts of the saliency lab."""
