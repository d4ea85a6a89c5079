"""Whether kernels and engine are right: compared with fp64, and by the tests marked gpu."""
