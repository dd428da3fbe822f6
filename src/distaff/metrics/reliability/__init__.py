"""What a number means: a score with its baselines, and how far it moves by chance."""

from distaff.metrics.reliability.interval import interval
from distaff.metrics.reliability.reading import Reading, read

__all__ = ["Reading", "interval", "read"]
