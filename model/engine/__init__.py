"""Sessions, scheduling and the engine's thread."""
