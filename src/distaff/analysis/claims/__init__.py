"""The claims of the papers as tests of a study: an effect, its interval, and a verdict."""
