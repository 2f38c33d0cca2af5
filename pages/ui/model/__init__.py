"""Parts of the Model page: the card, the comparison, and models that come and go."""
