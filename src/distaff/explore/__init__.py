"""A store in the browser: find runs by their scores, then move their latents."""
