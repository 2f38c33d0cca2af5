"""A bundle judged on labelled images: its answers kept on disk, and every figure made of them. No torch in here."""
