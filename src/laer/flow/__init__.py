"""Across the motions: how revenue moves through Land, Adopt, Expand and Renew, and where it leaks."""
