"""The training recipe: its options with their sources, and what each means to a person. No torch in here."""
