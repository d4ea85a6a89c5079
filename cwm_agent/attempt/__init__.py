"""One attempt at an issue: the rollout loop, its sandbox, its retries, its verdict."""
