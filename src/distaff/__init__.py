"""distaff: large studies of disentangled representations."""

__version__ = "0.1.0"
