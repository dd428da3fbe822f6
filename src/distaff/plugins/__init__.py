"""Plug-ins: one file, one function under one decorator line; what a file declares is read without importing it."""
