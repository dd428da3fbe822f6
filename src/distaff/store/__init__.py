"""The store: a folder of runs, written whole or not at all, checked, merged and shared."""
