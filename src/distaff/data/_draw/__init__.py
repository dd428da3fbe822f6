"""Renderers: what draws the images of a data set from the values of its factors."""
