"""Who may ask, how much at once, and from where."""
