"""The bundled tiny model's world: generated repositories, bugs, conversations, and its training."""
