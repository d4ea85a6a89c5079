"""The commands that draw samples of issues, gather evidence about them and choose."""
