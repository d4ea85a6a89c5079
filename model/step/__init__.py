"""What a step consists of: its plan, its rows, its samples."""
