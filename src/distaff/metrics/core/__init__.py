"""The mathematics that metrics and tasks share: information, grid rows, splits, trees, logistic regression."""
