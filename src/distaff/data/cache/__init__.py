"""What is kept between runs: published files, and the arrays that were built from them."""
