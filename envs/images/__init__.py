"""Having an image: recipes, builds, pulls, room and records."""
