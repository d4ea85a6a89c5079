"""The sandbox without an engine: bubblewrap and what limits it."""
