"""Linear classifiers: logistic regression on all codes, and the support vector machine of one."""
