"""A run in the formats of others: predictions, a submission to the SWE-bench leaderboard."""
