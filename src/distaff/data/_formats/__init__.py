"""Readers: the formats in which published sets, and data of your own, come."""
