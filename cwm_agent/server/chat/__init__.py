"""From what clients say to token ids, and from sampled ids to what clients hear."""
