"""The mathematics that metrics and tasks share: information, rows, splits, trees, logistic regression."""
