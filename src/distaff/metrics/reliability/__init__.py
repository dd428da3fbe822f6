"""What a number means: where noise and a perfect code stand on these factors, and how far it moves by chance."""

from distaff.metrics.reliability.interval import interval
from distaff.metrics.reliability.reach import Reach, reach
from distaff.metrics.reliability.reading import Reading, read

__all__ = ["Reach", "Reading", "interval", "reach", "read"]
