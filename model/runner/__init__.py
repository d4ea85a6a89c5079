"""How a step is carried out on a device."""
