"""Real traces in the format of CWM: for truth, training and evaluation."""
