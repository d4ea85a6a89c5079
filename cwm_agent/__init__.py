"""cwm-agent: the harness that runs Code World Model on real issues."""

__version__ = "0.1.0"
