"""The commands that show runs and trajectories, and write them in the formats of others."""
