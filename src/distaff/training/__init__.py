"""Training: many small models at once, each as if it were alone."""
