"""Answers to problems: graded here, and reported over several samples each."""
