"""Prompt packs: every sentence that the model sees, as data."""
