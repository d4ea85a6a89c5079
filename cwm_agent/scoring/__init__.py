"""Scoring predictions with the official grader: what to grade, the workers, the report."""
