"""The reliability of a number: a score with its baselines, and how far it varies by chance."""

from distaff.metrics.reliability.assessment import Assessment, assess
from distaff.metrics.reliability.interval import interval

__all__ = ["Assessment", "assess", "interval"]
