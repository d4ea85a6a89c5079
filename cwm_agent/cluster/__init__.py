"""Attempts, engines and gradings on the nodes of a Ray cluster (the extra `cluster`)."""
