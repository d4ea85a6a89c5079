"""Published numbers of CWM, each with the commands that measure it again."""
