"""Figures over a run's results."""
