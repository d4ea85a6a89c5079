"""What the larger commands do: from their options to an outcome on the screen and an exit code."""
