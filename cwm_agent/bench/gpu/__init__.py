"""`make gpu-check`: kernels checked, the engine measured, one report."""
