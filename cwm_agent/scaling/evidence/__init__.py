"""Making evidence: what every test says of every candidate, by execution in sandboxes."""
