"""Suites of problems with one right answer: which there are, and where their rows come from."""
