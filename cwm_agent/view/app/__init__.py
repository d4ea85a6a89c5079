"""The terminal application behind `cwm-agent view`."""
