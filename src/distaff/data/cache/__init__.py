"""What is stored between runs: published files, and the arrays that were built from them."""
