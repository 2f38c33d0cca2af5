"""Parts of the Data page, one module a step. What they show comes from the workspace on disk, and goes there."""
