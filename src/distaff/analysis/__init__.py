"""What the table of scores says: pure functions from a data frame to a data frame, each with its uncertainty."""
