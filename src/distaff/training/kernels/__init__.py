"""Kernels: operations of k models at once that PyTorch does not bring."""
