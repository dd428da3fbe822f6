"""Trained models for others: as plain modules, as ONNX files, as a repository with a model card."""
