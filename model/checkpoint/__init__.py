"""Weights on disk: layouts, conversion, quantisation."""
