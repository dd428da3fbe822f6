"""Scoring: the evaluation protocol of a study, its scores, and the tidy table that analysis sees."""
