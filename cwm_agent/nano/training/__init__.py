"""Training of the tiny bundled model: from samples to a checkpoint in transformers format."""
