"""Parts of the Cases page, and saving to a case from Classify."""
