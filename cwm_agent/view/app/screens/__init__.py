"""Windows over the main screen."""
