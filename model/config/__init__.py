"""The shape of a model, read from either layout."""
