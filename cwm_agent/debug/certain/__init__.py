"""What of the next frame is certain by the program's meaning: moved values, never computed ones."""
