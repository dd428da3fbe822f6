"""What can be proved about disentanglement, as code that shows it."""
