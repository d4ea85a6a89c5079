"""The inference engine, measured beside transformers and as agents use it."""
