"""From a table to one candidate: stages, the recipes made of them, and where they are named."""
