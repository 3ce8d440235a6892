"""Adopt: is what was bought used, by enough people, to the outcome that they wanted?"""
