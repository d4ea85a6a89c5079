"""One posterior over which candidates are right and which columns can be trusted."""
