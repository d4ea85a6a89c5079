"""Questions asked of every trajectory, each answered with the turns that prove it."""
