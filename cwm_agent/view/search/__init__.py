"""Finding things: filters over lists, words in trajectories, words in whole runs."""
