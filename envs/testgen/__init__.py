"""Writing a test for an issue: the environment of a model that does, and what its test says."""
