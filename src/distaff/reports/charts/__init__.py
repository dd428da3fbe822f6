"""Charts: how a frame is drawn."""
