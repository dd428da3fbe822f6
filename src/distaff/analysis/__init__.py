"""The statistics of a study: pure functions from the table of scores to a data frame, each with its uncertainty."""
