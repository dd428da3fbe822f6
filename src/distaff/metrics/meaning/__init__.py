"""What a number means: a score with its baselines, and how far it moves by chance."""

from distaff.metrics.meaning.interval import interval
from distaff.metrics.meaning.reading import Reading, read

__all__ = ["Reading", "interval", "read"]
