"""Test-time scaling: evidence about many samples of an issue, and the choice of one of them."""
