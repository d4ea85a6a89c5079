"""Repositories on this host, read as data: no program that they name is started."""
