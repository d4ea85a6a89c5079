"""How fast the viewer is, on a large run that is made for it."""
