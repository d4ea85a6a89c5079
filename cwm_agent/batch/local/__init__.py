"""The attempts of a batch run on this machine."""
