"""Plug-ins: one file, one function under one decorator line; what a file says is read without importing it."""
