"""Many issues, many samples: one run that survives whatever stops it."""
