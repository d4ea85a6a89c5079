"""The sandbox in a Docker container, and what belongs to it."""
