"""What this package raises."""

from __future__ import annotations


class SandboxError(Exception):
    """The place where commands run cannot be had or was lost; the text names the remedy."""
