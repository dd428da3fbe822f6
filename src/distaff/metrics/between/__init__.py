"""Scores between runs: what models of one setting and different seeds agree on, without a single label."""

from distaff.metrics.between.udr import Agreement, udr

__all__ = ["Agreement", "udr"]
