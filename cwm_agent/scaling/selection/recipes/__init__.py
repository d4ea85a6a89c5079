"""The recipes, one place a paper."""
