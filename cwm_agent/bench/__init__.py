"""Figures beside a named peer, measured in one run."""
