"""One file or two for each protocol that clients speak."""
