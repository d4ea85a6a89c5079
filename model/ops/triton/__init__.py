"""The operations once more as Triton kernels (docs/kernels.md). Import only where triton is."""
