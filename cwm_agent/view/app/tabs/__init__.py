"""What the tabs show: each builds an outline of blocks from a trajectory."""
