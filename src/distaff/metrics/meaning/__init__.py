"""What a number means: where noise and a perfect code stand on these factors, and how far it moves by chance."""

from distaff.metrics.meaning.interval import interval
from distaff.metrics.meaning.reach import Reach, reach
from distaff.metrics.meaning.reading import Reading, read

__all__ = ["Reach", "Reading", "interval", "reach", "read"]
