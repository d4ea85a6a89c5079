"""Function templates: the material of the generated repositories."""
