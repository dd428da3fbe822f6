"""What a metric gives, and its trial call."""

from __future__ import annotations

from distaff.metrics.core.score_contract import received, trial

__all__ = ["received", "trial"]
