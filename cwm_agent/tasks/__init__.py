"""Predicted execution: the model's trace format."""
