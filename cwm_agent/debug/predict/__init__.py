"""Who predicts the next frame: a checkpoint in the engine, or a recording."""
